//! Values of options.

/// A number in a range.
pub(crate) fn whole(word: &str, value: &str, least: u64, most: u64) -> Result<u64, String> {
    let number = value.parse().map_err(|_| format!("{word} {value:?}: not a whole number"))?;
    let fits = (least..=most).contains(&number);
    if fits { Ok(number) } else { Err(format!("{word} {value:?}: out of range, {least} to {most}")) }
}

/// 0, or from a least on.
pub(crate) fn factor(word: &str, value: &str, least: f64) -> Result<f64, String> {
    let number: f64 = value.parse().map_err(|_| format!("{word} {value:?}: not a number"))?;
    let fits = number == 0.0 || (least..=1_000_000.0).contains(&number);
    if fits { Ok(number) } else { Err(format!("{word} {value:?}: out of range, 0 or {least} to 1000000")) }
}

/// As Kafka has it.
pub(crate) fn topic(name: String) -> Result<String, String> {
    let may_be = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    let is_topic = (1..=249).contains(&name.len()) && name.bytes().all(may_be) && name != "." && name != "..";
    if is_topic { Ok(name) } else { Err(format!("--topic {name:?}: 1 to 249 of letters, digits, '.', '_' and '-'")) }
}

/// One or more, between commas.
pub(crate) fn brokers(text: String) -> Result<String, String> {
    let is_broker = |broker: &str| !broker.is_empty() && !broker.contains(char::is_whitespace);
    if text.split(',').all(is_broker) { Ok(text) } else { Err(format!("--brokers {text:?}: HOST:PORT,HOST:PORT,…")) }
}
