use msgpack_numpy_codec::{
    ByteOrder, DType, DTypeRef, DecodeErrorKind, Kind, Plain, Reader, Structured, StructuredRef, ValueRef,
};

use super::oracle;

/// As a text: what is read prints as a text that is read as the same. As a `type` of a map: what it means, by hand.
pub fn dtype(data: &[u8]) {
    let Some((&settings, input)) = data.split_first() else { return };
    if let Ok(text) = std::str::from_utf8(input) {
        as_text(text);
    }
    as_type(settings, input);
}

fn as_text(text: &str) {
    let told = |plain: Plain| (plain.to_string(), plain.itemsize().into());
    let (typestr, named) = (Plain::parse(text), Plain::from_name(text));
    assert_eq!(typestr.map(told), oracle::typestr(text));
    assert_eq!(named.map(told), oracle::name(text));
    typestr.into_iter().chain(named).for_each(plain);
    let dtype = DType::parse(text);
    if let Some(plain) = typestr.or(named) {
        assert_eq!(dtype, Some(DType::Plain(plain)));
    }
    match dtype {
        Some(DType::Structured(dtype)) => {
            fields(&dtype, 8);
            if text.trim_ascii_start().starts_with('[') {
                in_a_row(dtype.as_ref());
            }
            round_trip(&DType::Structured(dtype));
        }
        Some(DType::Plain(dtype)) => plain(dtype),
        Some(other) => panic!("{other} was read from a text"),
        None => {}
    }
}

fn plain(plain: Plain) {
    let typestr = plain.to_string();
    assert_eq!(Plain::parse(&typestr), Some(plain));
    assert_eq!(oracle::typestr(&typestr), Some((typestr.clone(), plain.itemsize().into())));
    let name = plain.name().to_string();
    if plain.order() == ByteOrder::Big || matches!(plain.kind(), Kind::Bytes | Kind::Str | Kind::Void) {
        assert_eq!(name, typestr);
    } else {
        assert_eq!(Plain::from_name(&name), Some(plain), "{name}");
        assert_eq!(Plain::parse(&name), None, "a name is no typestr");
    }
    assert_eq!(DType::parse(&name), Some(DType::Plain(plain)));
    let made = Plain::new(plain.kind(), plain.order(), plain.itemsize()).expect("it is one");
    let made = plain.unit().map_or(Some(made), |unit| made.with_unit(unit));
    assert_eq!(made, Some(plain));
    let is_single = plain.itemsize() == 1 || matches!(plain.kind(), Kind::Bytes | Kind::Void);
    assert_eq!(plain.order() == ByteOrder::NotApplicable, is_single);
    assert_eq!(plain.is_native(), plain.order() != ByteOrder::Big, "on this machine");
}

/// No field ends behind its item, and no dtype is nested deeper than it may be.
fn fields(dtype: &Structured, depth: usize) {
    assert!(depth > 0);
    for field in dtype.fields() {
        let count = field.shape.iter().map(|len| u128::from(*len)).fold(1_u128, |count, len| count.saturating_mul(len));
        let itemsize = u128::from(field.dtype.itemsize().expect("it was understood"));
        let size = count.saturating_mul(itemsize);
        assert_eq!(field.size().map(u128::from), Some(size), "{field:?}");
        assert!(u128::from(field.offset) + size <= dtype.itemsize().into(), "{field:?}");
        assert_eq!(field.as_ref().into_owned(), *field);
        match &field.dtype {
            DType::Plain(inner) => plain(*inner),
            DType::Structured(inner) => fields(inner, depth - 1),
            other => panic!("{other} in a dtype that was understood"),
        }
        let first = dtype.fields().iter().find(|other| other.name == field.name);
        assert_eq!(dtype.field(&field.name), first);
    }
    assert!(dtype.as_ref().all_fields().map(|field| field.into_owned()).eq(dtype.fields().iter().cloned()));
}

/// No field of a list begins before the one before it ends, nor ends behind the item.
fn in_a_row(dtype: StructuredRef<'_>) {
    let end = dtype.fields().fold(0, |next, field| {
        assert!(field.offset >= next);
        field.offset + field.size().expect("it was understood")
    });
    assert!(end <= dtype.itemsize());
}

/// What is printed says the same, in either form.
fn round_trip(dtype: &DType) {
    for text in [dtype.to_string(), dtype.as_ref().name().to_string()] {
        assert_eq!(DType::parse(&text).as_ref(), Some(dtype), "{text:?}");
    }
}

/// The input as the `type` of an array or scalar without bytes.
fn as_type(settings: u8, input: &[u8]) {
    let mut reader = Reader::new(input);
    if reader.skip().and_then(|()| reader.finish()).is_err() {
        return;
    }
    let kind = [&b""[..], b"V", b"", b"x"][usize::from(settings & 3)];
    let is_scalar = settings & 4 != 0;
    let mut message = if is_scalar { b"\x83\xa2nd\xc2".to_vec() } else { b"\x84\xa2nd\xc3".to_vec() };
    if !is_scalar && settings & 3 != 2 {
        message[0] += 1;
        message.extend([b"\xc4\x04kind\xc4", &[kind.len() as u8][..], kind].concat());
    }
    let kind = if is_scalar { b"" } else { kind };
    message.extend([b"\xa4type", input].concat());
    if !is_scalar {
        message.extend(b"\xa5shape\x91\0");
    }
    message.extend(b"\xa4data\xc4\0");

    let mut rest = input;
    // It takes c1 for nil, but no value begins so; and it does not go as deep as we skip.
    let Ok(value) = rmpv::decode::read_value_ref(&mut rest) else { return };
    let meant = oracle::dtype(&value, kind);
    let found = match ValueRef::decode(&message) {
        Ok(ValueRef::Array(array)) if !is_scalar => array.dtype(),
        // No item has no bytes.
        Ok(ValueRef::Scalar(scalar)) if is_scalar => scalar.dtype(),
        Ok(ValueRef::Faulty(_, error)) => {
            let zero = meant.itemsize() == Some(0);
            let due = if zero { DecodeErrorKind::ZeroItemSize } else { DecodeErrorKind::InvalidLength };
            assert_eq!(error.kind(), due);
            assert!(zero || is_scalar);
            return;
        }
        Ok(other) => panic!("{other:?}"),
        Err(error) => {
            assert_eq!(error.kind(), DecodeErrorKind::LimitExceeded);
            return;
        }
    };
    meant.is(found);
    assert_eq!(found.into_owned().as_ref(), found);
    match found {
        DTypeRef::Plain(found) => plain(found),
        DTypeRef::Structured(found) => {
            in_a_row(found);
            let owned = found.into_owned();
            fields(&owned, 8);
            round_trip(&DType::Structured(owned));
        }
        DTypeRef::Opaque(opaque) => {
            assert_eq!((opaque.as_encoded(), opaque.kind()), (input, kind));
        }
        _ => panic!("{found}"),
    }
}
