//! Base64 (RFC 4648), with or without the padding: values that are no text are in it. A twin of that of `inspect`.

/// What is wrong, and where in the text.
pub(crate) struct Wrong {
    pub(crate) at: usize,
    pub(crate) message: &'static str,
}

/// Puts what the text is behind `out`.
pub(crate) fn decode(text: &[u8], out: &mut Vec<u8>) -> Result<(), Wrong> {
    let digits = match text {
        [digits @ .., b'=', b'='] | [digits @ .., b'='] if text.len().is_multiple_of(4) => digits,
        _ => text,
    };
    out.reserve((digits.len() / 4).saturating_mul(3).saturating_add(2));
    for (index, group) in digits.chunks(4).enumerate() {
        let mut bits = 0_u32;
        for (place, digit) in group.iter().enumerate() {
            let at = index.saturating_mul(4).saturating_add(place);
            bits = bits << 6 | value(*digit).ok_or(Wrong { at, message: "character that is not of base64" })?;
        }
        let [_, bytes @ ..] = (bits << (4_usize.saturating_sub(group.len()).saturating_mul(6))).to_be_bytes();
        let count = group.len().saturating_sub(1);
        if count == 0 {
            return Err(Wrong { at: text.len(), message: "ends inside a byte of base64" });
        }
        out.extend(bytes.iter().take(count));
    }
    Ok(())
}

fn value(digit: u8) -> Option<u32> {
    let (start, first) = match digit {
        b'A'..=b'Z' => (b'A', 0),
        b'a'..=b'z' => (b'a', 26),
        b'0'..=b'9' => (b'0', 52),
        b'+' => (b'+', 62),
        b'/' => (b'/', 63),
        _ => return None,
    };
    Some(u32::from(digit.saturating_sub(start)).saturating_add(first))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(text: &str) -> Result<Vec<u8>, (usize, &'static str)> {
        let mut out = Vec::new();
        decode(text.as_bytes(), &mut out).map(|()| out).map_err(|wrong| (wrong.at, wrong.message))
    }

    /// RFC 4648 §10, and the digits that those have not.
    #[test]
    fn the_examples_of_the_standard() {
        for (text, bytes) in [
            ("", &b""[..]),
            ("Zg==", b"f"),
            ("Zm8=", b"fo"),
            ("Zm9v", b"foo"),
            ("Zm9vYg==", b"foob"),
            ("Zm9vYmE=", b"fooba"),
            ("Zm9vYmFy", b"foobar"),
            ("Zm9vYg", b"foob"),
            ("+/+/", b"\xfb\xff\xbf"),
        ] {
            assert_eq!(decoded(text).as_deref(), Ok(bytes), "{text}");
        }
    }

    #[test]
    fn what_is_none_is_told_where_it_is() {
        for (text, at) in
            [("Zm9v!m8=", 4), ("Zm8-", 3), ("Z", 1), ("Zm9vY", 5), ("=", 0), ("Zg===", 2), ("Zm=v", 2), ("Z===", 1)]
        {
            assert_eq!(decoded(text).map_err(|(at, _)| at), Err(at), "{text}");
        }
    }
}
