use atlas_stream::{DecodeErrorKind as Kind, Decoder, Key, KeyRef, Message, MessageType, RecordRef};

use super::check_error;

/// A key is what `str` makes of it, and one that was read is written the same.
pub fn key(data: &[u8]) {
    let found = KeyRef::decode(data);
    let due = parts(data);
    match (found, due) {
        (Ok(found), Ok(due)) => read(data, found, due),
        (Err(error), Err(due)) => {
            check_error(&error, data);
            assert!(error.is_of_key());
            assert_eq!((error.kind(), error.offset()), (due.0, due.1 as u64));
        }
        (found, due) => panic!("{found:?} {due:?}"),
    }
    // One byte order mark, and no more, is passed.
    let bare = data.strip_prefix(b"\xef\xbb\xbf");
    let lenient = KeyRef::decode_lenient(data);
    assert_eq!(lenient.ok(), KeyRef::decode(bare.unwrap_or(data)).ok());
    let at = if bare.is_some() { 3 } else { 0 };
    if let (Err(error), Err((kind, offset))) = (lenient, parts(bare.unwrap_or(data))) {
        check_error(&error, data);
        assert_eq!((error.kind(), error.offset()), (kind, (offset + at) as u64));
    }
    // A record is read as its key is, and only by it: this value is good for any type but a `tsamples`, a `session` and the like.
    let record = RecordRef::decode(data, b"");
    match (&record, lenient) {
        (Ok(record), Ok(key)) => {
            assert_eq!(record.key(), key);
            assert_eq!(matches!(record.message(), Message::Unknown(_)), !key.message_type().is_known());
        }
        (Err(error), Ok(key)) => assert!(!error.is_of_key() && key.message_type().is_known()),
        (Err(error), Err(of_key)) => assert_eq!(*error, of_key),
        (Ok(_), Err(error)) => panic!("{error}"),
    }
    let mut decoder = Decoder::new();
    let kept = decoder.decode(data, b"").map(|record| record.key()).map_err(|error| error.kind());
    assert_eq!(kept, record.map(|record| record.key()).map_err(|error| error.kind()));
    made(data);
}

/// What a key is, or what is wrong with it and where.
fn parts(data: &[u8]) -> Result<(&str, &str), (Kind, usize)> {
    let text = std::str::from_utf8(data).map_err(|error| (Kind::InvalidUtf8, error.valid_up_to()))?;
    if text.starts_with('\u{feff}') {
        return Err((Kind::ByteOrderMark, 0));
    }
    match text.split_once(':') {
        None => Err((Kind::MissingColon, text.len())),
        Some(("", _)) => Err((Kind::Empty, 0)),
        Some((_, "")) => Err((Kind::Empty, text.len())),
        Some(parts) => Ok(parts),
    }
}

fn read(data: &[u8], found: KeyRef<'_>, (message_type, stream_id): (&str, &str)) {
    assert_eq!((found.message_type().as_str(), found.stream_id()), (message_type, stream_id));
    assert_eq!(found.to_string().as_bytes(), data);
    assert_eq!(MessageType::new(message_type), Some(found.message_type()));
    let known = ["$start", "$end", "session", "tdata", "tsamples", "events", "lap", "sync"];
    assert_eq!(found.message_type().is_known(), known.contains(&message_type));
    let owned = Key::from(found);
    assert_eq!((owned.as_str().as_bytes(), owned.as_ref()), (data, found));
    assert_eq!(Key::new(found.message_type(), stream_id), Some(owned));
}

/// Any two texts make a key that reads back, or none.
fn made(data: &[u8]) {
    let (front, back) = data.split_at(data.len() / 2);
    let (front, back) = (String::from_utf8_lossy(front), String::from_utf8_lossy(back));
    let may_be = !front.is_empty() && !front.contains(':') && !front.starts_with('\u{feff}');
    let message_type = MessageType::new(&front);
    assert_eq!(message_type.is_some(), may_be, "{front:?}");
    let Some(message_type) = message_type else { return };
    let made = Key::new(message_type, &back);
    assert_eq!(made.is_some(), !back.is_empty(), "{back:?}");
    if let Some(made) = made {
        let read = KeyRef::decode(made.as_str().as_bytes()).expect("it is made to be read");
        assert_eq!((read.message_type().as_str(), read.stream_id()), (&*front, &*back));
        assert_eq!(read, made.as_ref());
    }
}
