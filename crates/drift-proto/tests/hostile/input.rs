//! Odd input by the thousand (R4), iterators that end (R8), and bytes that lie anywhere (R9).

use drift_proto::{
    AlignedPackageRef, DataPayloadRef, DecodeErrorKind as Kind, DriftBytesReader, IntervalTrigger, Limits, Package,
    PackageBuilder, PackageRef, Trigger, TypedDataWriter, Unpack,
};
use testkit::laws::mutations;
use testkit::{SMALL_STACK, assert_no_alloc, on_small_stack, slices};

use crate::proto::*;
use crate::support::*;

const DEFAULT: &Limits = &Limits::DEFAULT;

/// Under Miri some of them.
fn some<T>(all: impl Iterator<Item = T>) -> impl Iterator<Item = T> {
    all.step_by(if cfg!(miri) { 97 } else { 1 })
}

#[test]
fn r04_no_mutation_of_a_package_brings_anything_down() {
    let (mut good, mut bad) = (0, 0);
    for (name, bytes) in packages() {
        on_small_stack(SMALL_STACK, || {
            for bytes in some(mutations(&bytes)) {
                match assert_no_alloc(|| read(&bytes, DEFAULT)) {
                    Ok(_) => {
                        good += 1;
                        // Some of them, since this takes ten times as long as all else.
                        if good % 4 == 0 {
                            write_again(&name, &bytes);
                        }
                    }
                    Err(error) => {
                        bad += 1;
                        assert!(error.offset() <= bytes.len() as u64, "{name} {error} {bytes:02x?}");
                        assert!(!error.to_string().is_empty() && error.path(&bytes).len() < 256);
                        assert_eq!(Package::decode(bytes.clone().into()), Err(error));
                    }
                }
            }
        });
    }
    assert!(cfg!(miri) || good > 10_000 && bad > 10_000, "{good} {bad}");
}

/// What is read is written again and means the same (R6), and all of it is known to prost, too.
fn write_again(name: &str, bytes: &[u8]) {
    let package = PackageRef::decode(bytes).unwrap();
    let builder = PackageBuilder::from(package);
    let written = builder.encode_to_vec().unwrap();
    assert_eq!(written.len(), builder.encoded_len(), "{name}");
    let again = PackageRef::decode(&written).unwrap();
    let all = |package: PackageRef<'_>| {
        let labels: Vec<_> = package.labels().map(|label| [label.key, label.value].map(str::to_owned)).collect();
        let data: Vec<_> = package.data().map(|any| (any.type_url().to_owned(), any.value().to_vec())).collect();
        let times = (package.source_timestamp(), package.publish_timestamp());
        (package.id(), package.status(), times, labels, data, format!("{:?}", package.meta()))
    };
    assert_eq!(all(again), all(package), "{name}");
    #[cfg(feature = "prost")]
    {
        use drift_proto::proto::common::DriftPackage;
        let prost = DriftPackage::from(package);
        let back = Package::try_from(&prost).unwrap();
        // Who writes with prost loses the sign of zero, as all peers do.
        let plain = |package| format!("{:?}", all(package)).replace("-0.0", "0.0");
        assert_eq!(plain(back.as_ref()), plain(package), "{name}");
    }
}

#[test]
fn r04_no_mutation_of_a_message_in_a_package_brings_anything_down() {
    let mut count = 0;
    for (name, bytes) in packages() {
        let Ok(package) = PackageRef::decode(&bytes) else { continue };
        for any in package.data() {
            for bytes in some(mutations(any.value())) {
                count += 1;
                // Each as each.
                let found = assert_no_alloc(|| {
                    [
                        DataPayloadRef::unpack(&bytes, DEFAULT).map(|payload| payload.shape().count()),
                        Trigger::unpack(&bytes, DEFAULT).map(|_| 0),
                        IntervalTrigger::unpack(&bytes, DEFAULT).map(|_| 0),
                        AlignedPackageRef::unpack(&bytes, DEFAULT).map(|aligned| aligned.payloads().count()),
                        read(&bytes, DEFAULT),
                    ]
                });
                for error in found.into_iter().filter_map(Result::err) {
                    assert!(error.offset() <= bytes.len() as u64, "{name} {error}");
                }
            }
        }
    }
    assert!(cfg!(miri) || count > 10_000, "{count}");
}

#[test]
fn r04_no_mutation_of_typed_data_brings_anything_down() {
    let (mut good, mut bad) = (0, 0);
    for (name, bytes) in typed_data() {
        for bytes in some(mutations(&bytes)) {
            match assert_no_alloc(|| read_typed(&bytes, DEFAULT)) {
                Ok(_) => good += 1,
                Err(error) => {
                    bad += 1;
                    assert!(error.offset() <= bytes.len() as u64, "{name} {error}");
                }
            }
            // What the reader gives before it fails can be written again.
            let Ok(reader) = DriftBytesReader::new(&bytes) else { continue };
            let mut writer = TypedDataWriter::new();
            for item in reader.filter_map(Result::ok) {
                writer.item_ref("a", Default::default(), item).unwrap();
            }
            let (_, written) = writer.finish();
            assert!(read_typed(&written, DEFAULT).is_ok(), "{name}");
        }
    }
    assert!(cfg!(miri) || good > 1000 && bad > 10_000, "{good} {bad}");
}

#[test]
fn r08_what_is_over_stays_over() {
    for (_, bytes) in packages() {
        let Ok(package) = PackageRef::decode(&bytes) else { continue };
        let mut data = package.data();
        let mut labels = package.labels();
        assert!(data.by_ref().count() <= bytes.len() && labels.by_ref().count() <= bytes.len());
        assert!(data.next().is_none() && labels.next().is_none());
        for payload in package.payloads().filter_map(Result::ok) {
            let mut shape = payload.shape();
            assert!(shape.by_ref().count() <= bytes.len() && shape.next().is_none());
        }
    }
    // After its first fault a reader has nothing more to say.
    let mut reader = DriftBytesReader::new(&[1, 0, 1, 99, 0, 0, 0, 0, 0, 0, 0, 0, 1]).unwrap();
    assert_eq!(reader.next().unwrap().unwrap_err().kind(), Kind::UnknownType);
    assert!(reader.next().is_none() && reader.next().is_none());
}

#[test]
fn r09_bytes_may_lie_anywhere() {
    for (_, bytes) in packages() {
        let due = read(&bytes, DEFAULT);
        slices::at_every_offset(&bytes, |bytes| assert_eq!(read(bytes, DEFAULT), due));
        #[cfg(all(unix, not(miri)))]
        slices::before_guard_page(&bytes, |bytes| assert_eq!(read(bytes, DEFAULT), due));
    }
    for (_, bytes) in typed_data() {
        let due = read_typed(&bytes, DEFAULT);
        slices::at_every_offset(&bytes, |bytes| assert_eq!(read_typed(bytes, DEFAULT), due));
        #[cfg(all(unix, not(miri)))]
        slices::before_guard_page(&bytes, |bytes| assert_eq!(read_typed(bytes, DEFAULT), due));
    }
}

/// A surrogate, a byte of 0xff, a text that is cut, and one that is longer than it needs to be.
const NO_TEXTS: [(&[u8], u64); 4] = [(b"ab\xed\xa0\x80", 2), (b"\xff", 0), (b"a\xe2\x82", 1), (b"\xc0\x80", 0)];

#[test]
fn r09_every_text_is_checked() {
    let fields: [(&[u32], &str); 9] = [
        (&[5, 1], "type_url"),
        (&[6, 3, 4], "channel_layout"),
        (&[6, 4, 1, 1], "name"),
        (&[6, 5, 1], "mime_type"),
        (&[6, 6, 1, 1], "topic"),
        (&[6, 6, 1, 2, 8, 1, 1], "name"),
        (&[6, 8, 1, 1], "name"),
        (&[7, 1], "key"),
        (&[7, 2], "value"),
    ];
    for (fields, what) in fields {
        for (text, at) in NO_TEXTS {
            let bytes = nested(fields.iter().copied(), text);
            let error = read(&bytes, DEFAULT).unwrap_err();
            let offset = (bytes.len() - text.len()) as u64 + at;
            assert_eq!((error.kind(), error.offset(), error.what()), (Kind::InvalidUtf8, offset, what));
            // The same where a choice was taken back, and where the field stands twice.
            let twice = [bytes.clone(), nested(fields.iter().copied(), b"fine")].concat();
            assert_eq!(read(&twice, DEFAULT), Err(error));
            assert!(read(&[bytes, bytes_of_image()].concat(), DEFAULT).is_err());
        }
    }
    let (text, _) = NO_TEXTS[0];
    let error = AlignedPackageRef::unpack(&part(1, text), DEFAULT).unwrap_err();
    assert_eq!((error.kind(), error.offset(), error.what()), (Kind::InvalidUtf8, 4, "topic_name"));
}

fn bytes_of_image() -> Vec<u8> {
    part(6, part(3, []))
}
