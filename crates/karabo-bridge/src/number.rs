use msgpack_numpy_codec::{ByteOrder, DTypeRef, Kind, Plain, ScalarRef, TimeUnit, Unit, ValueRef};

/// A scalar as the plain number that Python makes of it; `None` if it makes none.
pub(crate) fn number(scalar: ScalarRef<'_>) -> Option<ValueRef<'static>> {
    let DTypeRef::Plain(plain) = scalar.dtype() else { return None };
    match plain.kind() {
        Kind::Bool => scalar.get().map(ValueRef::Bool),
        Kind::Int => {
            let wide = scalar.get::<i64>().or_else(|| scalar.get::<i32>().map(i64::from));
            let narrow = || scalar.get::<i16>().map(i64::from).or_else(|| scalar.get::<i8>().map(i64::from));
            wide.or_else(narrow).map(ValueRef::Int)
        }
        Kind::UInt => {
            let wide = scalar.get::<u64>().or_else(|| scalar.get::<u32>().map(u64::from));
            let narrow = || scalar.get::<u16>().map(u64::from).or_else(|| scalar.get::<u8>().map(u64::from));
            wide.or_else(narrow).map(ValueRef::UInt)
        }
        Kind::Float => {
            let wide = scalar.get::<f64>().or_else(|| scalar.get::<f32>().map(f64::from));
            wide.or_else(|| half(plain, scalar.data())).map(ValueRef::F64)
        }
        Kind::TimeDelta => delta(plain, scalar.data()),
        Kind::Complex | Kind::Bytes | Kind::Str | Kind::Void | Kind::DateTime => None,
    }
}

fn bits(plain: Plain, data: &[u8]) -> Option<u64> {
    let add = |bits: u64, byte: &u8| (bits << 8) | u64::from(*byte);
    let fits = data.len() <= 8;
    let little = plain.order() != ByteOrder::Big;
    fits.then(|| if little { data.iter().rev().fold(0, add) } else { data.iter().fold(0, add) })
}

/// A float of two bytes.
fn half(plain: Plain, data: &[u8]) -> Option<f64> {
    let bits = u16::try_from(bits(plain, data).filter(|_| data.len() == 2)?).ok()?;
    let (exponent, fraction) = (bits >> 10 & 0x1f, bits & 0x3ff);
    let magnitude = match exponent {
        0 => f64::from(fraction) / f64::from(1 << 24),
        0x1f if fraction == 0 => f64::INFINITY,
        0x1f => f64::NAN,
        // Into the exponent and the fraction of a double: their biases are 1008 apart.
        _ => f64::from_bits(u64::from(exponent).saturating_add(1008) << 52 | u64::from(fraction) << 42),
    };
    Some(if bits >> 15 == 0 { magnitude } else { -magnitude })
}

/// A span of time: a count, where Python has no type of its own for the unit.
fn delta(plain: Plain, data: &[u8]) -> Option<ValueRef<'static>> {
    let count = i64::from_ne_bytes(bits(plain, data)?.to_ne_bytes());
    if count == i64::MIN {
        return Some(ValueRef::Nil);
    }
    match plain.unit() {
        None => Some(ValueRef::Int(count)),
        Some(Unit { base: TimeUnit::Year | TimeUnit::Month, .. }) => Some(ValueRef::Int(count)),
        Some(Unit { base, .. }) if base >= TimeUnit::Nanosecond => Some(ValueRef::Int(count)),
        Some(_) => None,
    }
}
