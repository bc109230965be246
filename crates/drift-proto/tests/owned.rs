//! Packages that own their bytes: shared and not copied, to be kept and sent to other threads.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::std_instead_of_core,
    clippy::std_instead_of_alloc
)]

testkit::counting_allocator!();

#[path = "hostile/proto.rs"]
mod proto;

use bytes::Bytes;
use drift_proto::{DecodeErrorKind, Limits, Package, PackageBuilder, PackageRef, StatusClass, StatusCode};
use proto::*;
use testkit::{assert_no_alloc, measure};

fn example() -> Bytes {
    let data = [any(PAYLOAD, &part(2, [7; 1000])), any(PAYLOAD, &part(2, "last"))].concat();
    [number(1, 5), data, part(7, [part(1, "key"), part(2, "value")].concat())].concat().into()
}

/// Where bytes lie in others.
fn place(part: &[u8], whole: &[u8]) -> Option<usize> {
    let at = (part.as_ptr() as usize).checked_sub(whole.as_ptr() as usize)?;
    (at + part.len() <= whole.len()).then_some(at)
}

#[test]
fn a_package_shares_the_bytes_that_it_is_given() {
    let bytes = example();
    let _other = bytes.clone();
    let package = assert_no_alloc(|| Package::decode(bytes.clone()).unwrap());
    assert_eq!(package.bytes().as_ptr(), bytes.as_ptr());
    let clone = assert_no_alloc(|| package.clone());
    assert_eq!((clone.bytes().as_ptr(), &clone), (bytes.as_ptr(), &package));
    // What is read of it lies in the same place.
    let payloads: Vec<_> = package.as_ref().payloads().map(|payload| payload.unwrap().data()).collect();
    assert_eq!((payloads[0], payloads[1]), (&[7; 1000][..], &b"last"[..]));
    for payload in payloads {
        let at = place(payload, &bytes).unwrap();
        let shared = assert_no_alloc(|| package.share(payload).unwrap());
        assert_eq!(
            (shared.as_ptr(), &shared[..], &bytes[at..at + payload.len()]),
            (payload.as_ptr(), payload, payload)
        );
    }
    let label = package.as_ref().labels().next().unwrap();
    assert_eq!(package.share(label.value.as_bytes()).unwrap().as_ptr(), label.value.as_ptr());
    assert_eq!(package.share(&bytes), Some(bytes));
}

#[test]
fn what_is_shared_outlives_the_package() {
    let package = Package::decode(example()).unwrap();
    let shared = package.share(package.as_ref().payload().unwrap().unwrap().data()).unwrap();
    drop(package);
    assert_eq!(shared, &b"last"[..]);
}

#[test]
fn bytes_from_elsewhere_are_not_shared() {
    let buffer = Bytes::from([number(1, 1), number(1, 5), part(7, part(1, "key")), number(1, 2)].concat());
    let package = Package::decode(buffer.slice(2..buffer.len() - 2)).unwrap();
    assert_eq!((package.as_ref().id(), package.bytes().len()), (5, 9));
    let end = buffer.len();
    // In front of the package, behind it, and across both ends: in the same buffer, but not in it.
    for range in [0..2, 0..3, 1..5, end - 2..end, end - 3..end - 1, 0..end] {
        assert_eq!(package.share(&buffer[range.clone()]), None, "{range:?}");
    }
    for range in [2..end - 2, 2..3, end - 3..end - 2] {
        assert_eq!(package.share(&buffer[range.clone()]), Some(buffer.slice(range)));
    }
    assert_eq!(package.share(b"key"), None);
    assert_eq!(package.share(package.clone().as_ref().into_owned().bytes()), None);
    assert_eq!(package.share(b""), Some(Bytes::new()));
}

#[test]
fn a_copy_has_bytes_of_its_own() {
    let bytes = example();
    let view = PackageRef::decode(&bytes).unwrap();
    let (owned, stats) = measure(|| view.into_owned());
    assert!(stats.peak >= bytes.len() && stats.peak < bytes.len() + 100, "{stats:?}");
    assert_eq!((owned.as_ref(), place(owned.bytes(), &bytes)), (view, None));
    assert_eq!(owned, Package::decode(bytes).unwrap());
}

#[test]
fn views_and_packages_are_free_of_allocations() {
    let package = Package::decode(example()).unwrap();
    assert_no_alloc(|| {
        let view = package.as_ref();
        assert_eq!((view.id(), view.labels().count(), view.payloads().count()), (5, 1, 2));
    });
}

#[test]
fn packages_go_to_other_threads() {
    fn is_shared<T: Send + Sync + Clone + 'static>(_: &T) {}
    fn is_sent<T: Send + Sync>(_: T) {}
    let package = Package::decode(example()).unwrap();
    is_shared(&package);
    is_sent(package.as_ref());
    is_sent(PackageBuilder::from(package.as_ref()));
    is_sent(package.as_ref().payloads());
    let found = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| package.clone().as_ref().labels().count())).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    assert_eq!(found, [1; 4]);
}

#[test]
fn a_service_that_failed_says_so() {
    for (id, status) in [(7, StatusCode::BAD_SOURCE_STATE), (-1, StatusCode::UNCERTAIN), (i64::MIN, StatusCode(-7))] {
        let package = Package::failed(id, status).unwrap();
        let view = package.as_ref();
        assert_eq!((view.id(), view.status(), view.data().count(), view.meta()), (id, status, 0, None));
        assert_eq!(package.bytes(), &[number(1, id as u64), number(4, i64::from(status.0) as u64)].concat()[..]);
        assert_ne!(status.class(), StatusClass::Good);
        assert_eq!(PackageBuilder::failed(id, status).build(), Ok(package));
    }
}

#[test]
fn a_package_that_was_built_is_as_one_that_was_read() {
    let mut builder = PackageBuilder::new(5);
    builder.payload(&[7; 1000][..]).payload(b"last").label("key", "value");
    let package = builder.build().unwrap();
    assert_eq!(package.bytes(), &example());
    let view = package.as_ref();
    assert_eq!((view, view.labels().count()), (PackageRef::decode(&example()).unwrap(), 1));
    assert_eq!(builder.build_with(&Limits::DEFAULT.with_max_len(view.as_bytes().len() as u32)), Ok(package.clone()));
    assert!(builder.build_with(&Limits::DEFAULT.with_max_len(view.as_bytes().len() as u32 - 1)).is_err());
    assert_eq!(format!("{package:?}"), format!("Package(5, GOOD, [{} bytes])", package.bytes().len()));
}

#[test]
fn what_is_refused_is_given_back_by_nobody() {
    let error = Package::decode(Bytes::from_static(b"\x08")).unwrap_err();
    assert_eq!((error.kind(), error.offset()), (DecodeErrorKind::UnexpectedEnd, 1));
    assert!(Package::decode(Bytes::new()).is_ok_and(|package| package.bytes().is_empty()));
}
