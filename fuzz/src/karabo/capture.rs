use karabo_bridge::{Capture, DecodeErrorKind as Kind, FrameHeader, Limit, Limits};

/// How many bytes a header has, whether more parts follow, and how long its part is; or what is wrong with it, and where.
type Header = Result<Option<(usize, bool, u64)>, (Kind, u64)>;

/// A frame header as SPEC.md §7 has it.
fn header(bytes: &[u8]) -> Header {
    let Some(flags) = bytes.first() else { return Ok(None) };
    if *flags > 3 {
        return Err((Kind::InvalidTag, 0));
    }
    let more = flags % 2 == 1;
    if *flags < 2 {
        return Ok(bytes.get(1).map(|len| (2, more, u64::from(*len))));
    }
    let Some(len) = bytes.get(1..9) else { return Ok(None) };
    let len = len.iter().fold(0, |len, byte| len << 8 | u64::from(*byte));
    if len >= 1 << 63 { Err((Kind::UnexpectedType, 1)) } else { Ok(Some((9, more, len))) }
}

fn check_header(bytes: &[u8]) {
    let found = FrameHeader::decode_prefix(bytes);
    match (found, header(bytes)) {
        (Ok(None), Ok(None)) => {}
        (Ok(Some((found, taken))), Ok(Some((len, more, content)))) => {
            assert_eq!((taken, found.more, found.len), (len, more, content));
            let encoded = found.encode();
            assert_eq!(encoded.as_ref().len(), if content < 256 { 2 } else { 9 });
            assert_eq!(FrameHeader::decode_prefix(encoded.as_ref()), Ok(Some((found, encoded.as_ref().len()))));
        }
        (Err(error), Err((kind, offset))) => {
            assert_eq!((error.kind(), error.offset(), error.what()), (kind, offset, "frame"));
        }
        (found, due) => panic!("{found:?} is {due:?}"),
    }
}

/// Messages of a capture are those that frames one by one make; what is wrong with it is told where it is, again and again.
pub fn capture(data: &[u8]) {
    let Some((&settings, bytes)) = data.split_first() else { return };
    // A header that comes in pieces.
    for len in 0..bytes.len().min(12) {
        check_header(&bytes[..len]);
    }
    let max_parts = [1 << 16, 0, 1, 3][usize::from(settings & 3)];
    let mut capture = Capture::new(bytes).with_limits(Limits::DEFAULT.with_max_parts(max_parts));
    let (mut at, mut parts, mut encoded, mut messages) = (0, vec![&b"old"[..]], Vec::new(), Vec::new());
    let fault = loop {
        assert_eq!(capture.offset(), at);
        let (mut due, mut next) = (Vec::new(), at);
        let wrong = loop {
            if next == bytes.len() && due.is_empty() {
                break None;
            }
            if due.len() as u32 >= max_parts {
                break Some((Kind::LimitExceeded, next));
            }
            check_header(&bytes[next..]);
            match header(&bytes[next..]) {
                Err((kind, offset)) => break Some((kind, next + offset as usize)),
                Ok(None) => break Some((Kind::UnexpectedEnd, bytes.len())),
                Ok(Some((taken, _, len))) if len > (bytes.len() - next - taken) as u64 => {
                    break Some((Kind::UnexpectedEnd, bytes.len()));
                }
                Ok(Some((taken, more, len))) => {
                    next += taken;
                    due.push(&bytes[next..next + len as usize]);
                    next += len as usize;
                    if !more {
                        break None;
                    }
                }
            }
        };
        match (capture.read(&mut parts), wrong) {
            (Ok(true), None) => {
                assert_eq!(parts, due);
                at = next;
            }
            (Ok(false), None) => {
                assert!(parts.is_empty() && at == bytes.len());
                break false;
            }
            (Err(error), Some((kind, offset))) => {
                assert_eq!((error.kind(), error.offset(), error.part()), (kind, offset as u64, due.len()));
                assert_eq!(error.limit(), (kind == Kind::LimitExceeded).then_some(Limit::MaxParts));
                assert!(parts.is_empty());
                assert_eq!((capture.read(&mut parts), capture.offset()), (Err(error), at));
                break true;
            }
            (found, wrong) => panic!("{found:?} is {wrong:?}"),
        }
        for (index, part) in parts.iter().enumerate() {
            let header = FrameHeader { more: index + 1 < parts.len(), len: part.len() as u64 };
            encoded.extend(header.encode().as_ref());
            encoded.extend(*part);
        }
        messages.push(parts.clone());
    };
    assert!(fault || capture.read(&mut parts) == Ok(false));
    // Written again it is the same, and no longer.
    assert!(encoded.len() <= at);
    let mut capture = Capture::new(&encoded);
    for message in messages {
        assert_eq!(capture.read(&mut parts), Ok(true));
        assert_eq!(parts, message);
    }
    assert_eq!(capture.read(&mut parts), Ok(false));
}
