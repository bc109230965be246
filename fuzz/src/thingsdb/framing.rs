//! The first byte chooses a limit and where the stream is cut, the rest is the stream.

use thingsdb_wire::{DecodeError, Decoded, Decoder, Header, Limits, Package, PackageRef};

/// The same packages and the same end come out of a stream whole, in pieces, and by the words of the protocol's document.
pub fn framing(data: &[u8]) {
    let Some((&settings, stream)) = data.split_first() else { return };
    let max = [0, 3, 40, 1 << 30][usize::from(settings & 3)];
    let limits = Limits::DEFAULT.with_max_data_len(max);
    let whole = read(&mut std::iter::once(stream), &limits);
    let size = usize::from(settings >> 2) + 1;
    assert_eq!(read(&mut stream.chunks(size), &limits), whole);
    assert_eq!(read(&mut stream.chunks(1), &limits), whole);
    let (packages, end) = whole;
    assert_eq!(packages, by_the_document(stream, max));

    let mut written = Vec::new();
    for package in &packages {
        package.as_ref().encode_with(&mut written, &limits).expect("it was read under the same limit");
    }
    assert_eq!(written, stream[..written.len()]);
    match end {
        Ok(missing) => assert!(missing > 0 || written.len() == stream.len()),
        Err(error) => {
            assert!(error.offset() as usize >= written.len() && error.offset() as usize <= stream.len());
            let header = error.header().expect("an error of the header");
            assert_eq!(header, stream[written.len()..][..8]);
            assert!(Header::from_bytes(header).is_none_or(|header| header.len > max), "{error}");
        }
    }
}

fn read(pieces: &mut dyn Iterator<Item = &[u8]>, limits: &Limits) -> (Vec<Package>, Result<usize, DecodeError>) {
    let (mut decoder, mut held, mut packages) = (Decoder::with_limits(limits), Vec::new(), Vec::new());
    let mut missing = 0;
    for piece in pieces {
        held.extend_from_slice(piece);
        let mut start = 0;
        loop {
            match decoder.decode(&held[start..]) {
                Ok(Decoded::Complete { value, consumed }) => {
                    packages.push(value.into_owned());
                    start += consumed;
                }
                Ok(Decoded::Incomplete { needed }) => {
                    missing = if start < held.len() { needed.get() } else { 0 };
                    break;
                }
                Err(error) => {
                    assert_eq!(decoder.decode(b""), Err(error), "asked again");
                    return (packages, Err(error));
                }
            }
        }
        held.drain(..start);
    }
    (packages, Ok(missing))
}

fn by_the_document(mut stream: &[u8], max: u32) -> Vec<Package> {
    let mut packages = Vec::new();
    while let [a, b, c, d, e, f, kind, check, rest @ ..] = stream {
        let len = u32::from_le_bytes([*a, *b, *c, *d]);
        if kind ^ check != 0xff || len > max || (rest.len() as u64) < u64::from(len) {
            break;
        }
        let (data, after) = rest.split_at(len as usize);
        packages.push(PackageRef { id: u16::from_le_bytes([*e, *f]), kind: *kind, data }.into_owned());
        stream = after;
    }
    packages
}
