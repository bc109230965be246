use drift_proto::{
    DecodeErrorKind as Kind, DriftBytesReader, DriftBytesRef, DriftBytesWriter, EncodeError, Info, ItemRef, ItemType,
    Limits, Meta, NameRef, PackageBuilder, StatusCode, TypedDataWriter, Values,
};

use super::Script;

/// An item as the layout has it. Numbers are their bits.
#[derive(Debug, PartialEq)]
struct Item {
    type_id: u8,
    shape: Vec<u32>,
    values: Vec<Value>,
    /// As it came, but for what an order of bytes or a type without values may also be.
    normal: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq)]
enum Value {
    Bits(u64),
    Text(Vec<u8>),
}

/// Bytes of a value of each type; of a text those of its length.
const WIDTHS: [usize; 13] = [1, 1, 1, 2, 2, 4, 4, 8, 8, 4, 8, 8, 0];

const TYPES: [ItemType; 13] = [
    ItemType::Bool,
    ItemType::I8,
    ItemType::U8,
    ItemType::I16,
    ItemType::U16,
    ItemType::I32,
    ItemType::U32,
    ItemType::I64,
    ItemType::U64,
    ItemType::F32,
    ItemType::F64,
    ItemType::String,
    ItemType::None,
];

/// Takes what is there off the front.
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn take(&mut self, len: usize) -> Result<&'a [u8], Kind> {
        self.0.split_off(..len).ok_or(Kind::UnexpectedEnd)
    }

    fn number(&mut self, len: usize, is_little: bool) -> Result<u64, Kind> {
        let bytes = self.take(len)?;
        let add = |number: u64, byte: &u8| number << 8 | u64::from(*byte);
        Ok(if is_little { bytes.iter().rev().fold(0, add) } else { bytes.iter().fold(0, add) })
    }
}

impl Item {
    /// The next, or what is wrong with it and how far behind its first byte.
    fn read(cursor: &mut Cursor<'_>, max_rank: u8) -> Result<Self, (Kind, usize)> {
        let end = cursor.0.len();
        let late = |kind| (kind, end);
        let start = cursor.0;
        let flag = cursor.number(1, true).map_err(late)?;
        let is_little = flag == 1;
        let type_id = cursor.number(1, true).map_err(late)? as u8;
        let rank = cursor.number(8, is_little).map_err(late)?;
        if rank > max_rank.into() {
            return Err((Kind::LimitExceeded, 2));
        }
        let mut shape = Vec::new();
        let mut axes = Cursor(cursor.take(rank as usize * 4).map_err(late)?);
        while let Ok(axis) = axes.number(4, is_little) {
            shape.push(axis as u32);
        }
        let mut normal = vec![u8::from(is_little), type_id];
        normal.extend(&start[2..start.len() - cursor.0.len()]);
        if shape.contains(&0) {
            normal[1] = 12;
            return Ok(Self { type_id: 12, shape, values: Vec::new(), normal });
        }
        match type_id {
            ..12 => {}
            12 => return Err((Kind::NotEmpty, 1)),
            _ => return Err((Kind::UnknownType, 1)),
        }
        let width = WIDTHS[usize::from(type_id)];
        // Of eight axes of 32 bits each.
        let count = shape.iter().try_fold(1_u128, |count, axis| count.checked_mul(u128::from(*axis)));
        let fits = count.is_some_and(|count| count <= (cursor.0.len() / width) as u128);
        if !fits {
            return Err(if shape.iter().all(|axis| *axis == 1) {
                late(Kind::UnexpectedEnd)
            } else {
                (Kind::InvalidShape, 2)
            });
        }
        let values_start = cursor.0;
        let mut values = Vec::new();
        for _ in 0..count.unwrap_or_default() {
            let bits = cursor.number(width, is_little).map_err(late)?;
            values.push(if type_id == 11 {
                let len = usize::try_from(bits).unwrap_or(usize::MAX);
                Value::Text(cursor.take(len).map_err(late)?.to_vec())
            } else {
                Value::Bits(bits)
            });
        }
        normal.extend(&values_start[..values_start.len() - cursor.0.len()]);
        Ok(Self { type_id, shape, values, normal })
    }
}

/// All values of an item, by their type.
fn values(item: ItemRef<'_>) -> Vec<Value> {
    macro_rules! bits {
        ($($name:ident $type:ty, $unsigned:ty;)*) => {
            match item.item_type() {
                $(ItemType::$name => {
                    let values = item.values::<$type>().expect("of this type");
                    assert_eq!(values.len(), item.len());
                    let values: Vec<_> = values.collect();
                    assert_eq!(item.value::<$type>().is_some(), item.len() == 1);
                    values.into_iter().map(|value| Value::Bits(<$unsigned>::from_ne_bytes(value.to_ne_bytes()).into())).collect()
                })*
                ItemType::Bool => {
                    item.values::<bool>().expect("of this type").map(|value| Value::Bits(value.into())).collect()
                }
                ItemType::String => item.texts().expect("texts").map(|text| Value::Text(text.to_vec())).collect(),
                ItemType::None => Vec::new(),
            }
        };
    }
    bits! {
        I8 i8, u8; U8 u8, u8; I16 i16, u16; U16 u16, u16; I32 i32, u32; U32 u32, u32; I64 i64, u64; U64 u64, u64;
        F32 f32, u32; F64 f64, u64;
    }
}

fn same(found: ItemRef<'_>, due: &Item) {
    assert_eq!(found.item_type(), TYPES[usize::from(due.type_id)]);
    assert!(found.shape().iter().eq(due.shape.iter().copied()));
    assert_eq!((found.len(), found.is_empty()), (due.values.len(), due.values.is_empty()));
    let is_truth = |value: &Value| {
        if due.type_id == 0 { Value::Bits(u64::from(*value != Value::Bits(0))) } else { value.clone() }
    };
    assert_eq!(values(found), due.values.iter().map(is_truth).collect::<Vec<_>>());
    // No other type is taken for it.
    assert_eq!(found.values::<i32>().is_some(), due.type_id == 5);
    assert_eq!(found.texts().is_some(), due.type_id == 11);
    let text = match &*due.values {
        [Value::Text(text)] => std::str::from_utf8(text).ok(),
        _ => None,
    };
    assert_eq!(found.text(), text);
}

/// Items are read as the layout says, up to the first that is wrong; and written as they were.
pub fn bytes(data: &[u8]) {
    let Some((&settings, input)) = data.split_first() else { return };
    let limits = Limits::DEFAULT
        .with_max_rank([8, 0, 2, 255][usize::from(settings & 3)])
        .with_max_len(if settings & 4 == 0 { u32::MAX } else { 100 });
    let made;
    let bytes = if settings & 0x80 == 0 {
        input
    } else {
        made = build(&mut Script(input));
        &made
    };
    read(bytes, &limits);
    typed(bytes, &limits, usize::from(settings >> 3 & 7));
    if settings & 0x40 != 0 {
        write(&mut Script(input), &limits);
    }
}

fn read(bytes: &[u8], limits: &Limits) {
    let decoded = DriftBytesRef::decode_with(bytes, limits);
    let header = match bytes {
        _ if bytes.len() as u64 > u64::from(limits.max_len) => Some((Kind::LimitExceeded, 0)),
        [] | [_] => Some((Kind::UnexpectedEnd, bytes.len())),
        [_, 0, ..] => None,
        _ => Some((Kind::UnsupportedVersion, 1)),
    };
    let reader = DriftBytesReader::with_limits(bytes, limits);
    if let Some((kind, at)) = header {
        let error = reader.expect_err("the header is wrong");
        assert_eq!((error.kind(), error.offset()), (kind, at as u64));
        assert_eq!(decoded, Err(error));
        return;
    }
    let mut reader = reader.expect("the header is right");
    let mut cursor = Cursor(&bytes[2..]);
    let mut writer = DriftBytesWriter::with_limits(limits);
    let mut normal = vec![1, 0];
    let mut items = 0;
    loop {
        let at = bytes.len() - cursor.0.len();
        assert_eq!(reader.position(), at);
        if cursor.0.is_empty() {
            assert!(reader.next().is_none());
            let decoded = decoded.expect("every item is right");
            assert_eq!((decoded.items().count(), decoded.as_bytes()), (items, bytes));
            break;
        }
        match (Item::read(&mut cursor, limits.max_rank), reader.next().expect("there are bytes")) {
            (Ok(due), Ok(found)) => {
                same(found, &due);
                writer.item_ref(found).expect("no longer than it was");
                normal.extend(&due.normal);
                items += 1;
            }
            (Err((kind, by)), Err(error)) => {
                assert_eq!((error.kind(), error.offset()), (kind, (at + by) as u64), "{error}");
                assert_eq!(error.limit().is_some(), kind == Kind::LimitExceeded);
                assert_eq!(decoded, Err(error));
                assert!(reader.next().is_none());
                break;
            }
            (due, found) => panic!("{due:?} {found:?}"),
        }
    }
    let written = writer.finish();
    assert_eq!(written, normal);
    let again = DriftBytesRef::decode_with(&written, limits).expect("what was written");
    assert_eq!(again.items().count(), items);
    // Little-endian, and from values.
    let every = Limits::DEFAULT.with_max_rank(255);
    let mut writer = DriftBytesWriter::with_limits(&every);
    again.items().for_each(|item| by_value(item, &mut writer));
    let written = writer.finish();
    let by_value = DriftBytesRef::decode_with(&written, &every).expect("what was written");
    assert_eq!(by_value.items().count(), items);
    for (found, due) in by_value.items().zip(again.items()) {
        assert_eq!((found.item_type(), found.shape()), (due.item_type(), due.shape()));
        let is_text = due.texts().is_none_or(|mut texts| texts.all(|text| std::str::from_utf8(text).is_ok()));
        assert_eq!(values(found) == values(due), is_text);
    }
}

/// Writes an item as its values; texts only as far as they are.
fn by_value(item: ItemRef<'_>, writer: &mut DriftBytesWriter) {
    let shape: Vec<u32> = item.shape().iter().collect();
    macro_rules! write {
        ($($name:ident $type:ty,)*) => {
            match item.item_type() {
                $(ItemType::$name => {
                    let values: Vec<$type> = item.values().expect("of this type").collect();
                    writer.item(&shape, Values::$name(&values)).map(drop)
                })*
                ItemType::String => {
                    let texts: Vec<_> = item.texts().expect("texts").map(String::from_utf8_lossy).collect();
                    let texts: Vec<&str> = texts.iter().map(|text| &**text).collect();
                    writer.item(&shape, Values::Texts(&texts)).map(drop)
                }
                ItemType::None => writer.item(&shape, Values::None).map(drop),
            }
        };
    }
    let written = write! {
        Bool bool, I8 i8, U8 u8, I16 i16, U16 u16, I32 i32, U32 u32, I64 i64, U64 u64, F32 f32, F64 f64,
    };
    written.expect("as many values as the shape says");
}

const NAMES: [&str; 7] = ["a", "räume/büro", "", "a", "b", "c", "d"];

/// In a package names and values belong together by their order, whichever are more.
fn typed(bytes: &[u8], limits: &Limits, names: usize) {
    let names: Vec<_> = NAMES[..names]
        .iter()
        .enumerate()
        .map(|(index, name)| NameRef { name, status: if index % 2 == 0 { StatusCode::GOOD } else { StatusCode::BAD } })
        .collect();
    let mut package = PackageBuilder::new(7);
    package.meta = Some(Meta::new(Info::Typed(names.clone())));
    package.payload(&b"of which the last counts"[..]).payload(bytes).message("other.Message", &b"\x08\x01"[..]);
    let package = package.build().expect("it is short");
    let found = package.as_ref().typed_data_with(&limits.with_max_len(u32::MAX));
    let values = DriftBytesRef::decode_with(bytes, &limits.with_max_len(u32::MAX));
    let (found, values) = match (found, values) {
        (Ok(Some(found)), Ok(values)) => (found, values),
        // No bytes are no values.
        (Ok(Some(found)), Err(_)) if bytes.is_empty() => {
            assert!(found.iter().map(|item| item.name).eq(names.iter().map(|named| Some(named.name))));
            return;
        }
        (found, values) => {
            assert_eq!(found.err(), values.err());
            return;
        }
    };
    let mut values = values.items();
    let mut names = names.iter();
    let mut writer = TypedDataWriter::with_limits(&limits.with_max_len(u32::MAX));
    for item in found.iter() {
        let (named, value) = (names.next(), values.next());
        assert!(named.is_some() || value.is_some());
        assert_eq!(item.name, named.map(|named| named.name));
        assert_eq!(item.status, named.map_or(StatusCode::GOOD, |named| named.status));
        assert_eq!(item.values.map(ItemRef::data), value.map(ItemRef::data));
        if let (Some(name), Some(values)) = (item.name, item.values) {
            writer.item_ref(name, item.status, values).expect("no longer than it was");
        }
    }
    assert!(names.next().is_none() && values.next().is_none());
    for name in NAMES {
        let last = found.iter().filter(|item| item.name == Some(name)).last();
        assert_eq!(found.get(name).map(|item| format!("{item:?}")), last.map(|item| format!("{item:?}")));
    }
    // Of those that have both, a package again.
    let mut again = PackageBuilder::new(7);
    let again = again.typed_data(writer).build().expect("it is short");
    let again =
        again.as_ref().typed_data_with(&limits.with_max_len(u32::MAX)).expect("it was written").expect("it is typed");
    let both = found.iter().filter(|item| item.name.is_some() && item.values.is_some());
    assert!(again.iter().map(|item| format!("{item:?}")).eq(both.map(|item| format!("{item:?}"))));
}

/// Items nearly as they should be.
fn build(script: &mut Script<'_>) -> Vec<u8> {
    let mut out = vec![script.pick(&[1, 0, 2]), if script.byte() > 250 { 1 } else { 0 }];
    while !script.0.is_empty() && out.len() < 4096 {
        let choice = script.byte();
        let is_little = choice & 1 == 0;
        let type_id = if choice > 240 { script.byte() } else { choice >> 1 & 15 };
        out.extend([if is_little { 1 } else { script.pick(&[0, 2, 255]) }, type_id]);
        let rank = script.pick(&[1, 1, 1, 2, 0, 3, 8, 9]);
        let rank_bytes = if choice > 235 { script.number() } else { rank };
        out.extend(if is_little { rank_bytes.to_le_bytes() } else { rank_bytes.to_be_bytes() });
        let mut count = 1_usize;
        for _ in 0..rank {
            let axis = match script.byte() {
                250.. => script.number() as u32,
                byte => u32::from(byte % 4),
            };
            out.extend(if is_little { axis.to_le_bytes() } else { axis.to_be_bytes() });
            count = count.saturating_mul(axis as usize);
        }
        for _ in 0..count.min(64) {
            match WIDTHS.get(usize::from(type_id)) {
                _ if type_id == 11 => {
                    let text = script.bytes();
                    let len = if script.byte() > 250 { script.number() } else { text.len() as u64 };
                    out.extend(if is_little { len.to_le_bytes() } else { len.to_be_bytes() });
                    out.extend(text);
                }
                Some(width) => (0..*width).for_each(|_| out.push(script.byte())),
                None => {}
            }
        }
        if script.byte() > 250 {
            out.pop();
        }
    }
    out
}

/// What is asked for in vain is not written.
fn write(script: &mut Script<'_>, limits: &Limits) {
    let mut writer = DriftBytesWriter::with_limits(limits);
    let mut len = 2_u64;
    let mut due = 0;
    while !script.0.is_empty() {
        let shape: Vec<u32> = (0..script.byte() % 10).map(|_| script.pick(&[1, 2, 0, 3, u32::MAX])).collect();
        let numbers: Vec<u16> = (0..script.byte() % 14).map(|_| script.byte().into()).collect();
        let product = shape.iter().fold(1_u128, |product, axis| product.saturating_mul(u128::from(*axis)));
        let size = 10 + shape.len() as u64 * 4 + numbers.len() as u64 * 2;
        let written = writer.item(&shape, Values::U16(&numbers)).map(drop);
        let is_shape = product == numbers.len() as u128;
        let is_rank = shape.len() <= limits.max_rank.into();
        match written {
            Ok(()) => {
                len += size;
                due += 1;
                assert!(is_shape && is_rank && len <= limits.max_len.into());
            }
            Err(EncodeError::Shape { values, due }) => {
                assert!(!is_shape && values == numbers.len() as u64);
                assert_eq!(due, u64::try_from(product).unwrap_or(u64::MAX));
            }
            Err(EncodeError::TooManyAxes { rank, max }) => {
                assert!(!is_rank && rank == shape.len() as u64 && max == limits.max_rank);
            }
            Err(EncodeError::TooLong { len: long, .. }) => {
                assert!(is_shape && is_rank && long == len + size && long > limits.max_len.into());
            }
            Err(error) => panic!("{error}"),
        }
    }
    let bytes = writer.finish();
    assert_eq!(bytes.len() as u64, len);
    assert_eq!(DriftBytesRef::decode_with(&bytes, limits).expect("what was written").items().count(), due);
}
