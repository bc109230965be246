use alloc::string::String;

use arbitrary::{Arbitrary, Result, Unstructured};

use crate::packet::{Data, Hello, HelloRef, Packet};

/// Any packet that can be written under the defaults: texts of up to 250 characters without those that would end them, whole
/// seconds, values of any bits but a NaN's payload.
impl<'a> Arbitrary<'a> for Packet {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        Ok(match u.int_in_range(1..=7)? {
            1 => Self::Hello(Hello {
                name: mandatory(u)?,
                units: text(u)?,
                data_type: text(u)?,
                collection_type: if u.arbitrary()? { HelloRef::STREAM.into() } else { mandatory(u)? },
            }),
            2 => Self::Ack(mandatory(u)?),
            3 => Self::Heartbeat,
            4 => Self::Start,
            5 => Self::Stop,
            6 => Self::Unknown([if u.arbitrary()? { "$Q|" } else { "PAUSE|" }, &text(u)?].concat()),
            _ => Self::Data(Data {
                tag: mandatory(u)?,
                timestamp: u.arbitrary()?,
                nanos: 0,
                value: number(f64::from_bits(u.arbitrary()?)),
            }),
        })
    }
}

fn text(u: &mut Unstructured<'_>) -> Result<String> {
    Ok(u.arbitrary::<&str>()?.chars().filter(|c| !matches!(c, '|' | '\n' | '\r')).take(250).collect())
}

fn mandatory(u: &mut Unstructured<'_>) -> Result<String> {
    let text = text(u)?;
    Ok(if text.is_empty() { "x".into() } else { text })
}

/// A NaN keeps its sign only.
fn number(value: f64) -> f64 {
    if value.is_nan() { f64::NAN.copysign(value) } else { value }
}
