//! In which partition a stream is (SPEC.md §12).

use core::num::NonZeroU32;

use atlas_stream::Partitioner;

/// Of so many partitions.
fn of(partitions: u32) -> Partitioner {
    Partitioner::new(NonZeroU32::new(partitions).unwrap())
}

const COUNTS: [u32; 7] = [1, 2, 3, 8, 12, 100, 2_147_483_647];

/// By `int.from_bytes(hashlib.sha1(id.encode()).digest()[:8], "big") % count` in Python's own library.
const KNOWN: [(&str, [i32; 7]); 5] = [
    ("7c1e0a52", [0, 0, 0, 4, 0, 80, 1_165_659_013]),
    ("a", [0, 0, 1, 4, 4, 8, 144_011_374]),
    ("stream:with:colons", [0, 0, 1, 0, 4, 16, 1_671_564_524]),
    ("予選", [0, 1, 0, 1, 9, 41, 1_303_821_941]),
    ("3f2504e0-4f89-11d3-9a0c-0305e82c3301", [0, 0, 2, 6, 2, 26, 1_952_138_132]),
];

#[test]
fn the_first_eight_bytes_of_the_hash_of_the_id() {
    for (id, due) in KNOWN {
        for (count, due) in COUNTS.into_iter().zip(due) {
            assert_eq!(of(count).partition(id), Some(due), "{id} of {count}");
        }
        // Kafka has no more than 31 bits of them.
        for count in [2_147_483_648, u32::MAX] {
            assert_eq!(of(count).partition(id), Some(due[6]), "{id} of {count}");
        }
    }
}

#[test]
fn a_stream_stays_when_partitions_are_added() {
    let mut partitioner = of(8);
    assert_eq!(partitioner.partition("7c1e0a52"), Some(4));
    assert!(partitioner.grow(NonZeroU32::new(12).unwrap()));
    assert_eq!(partitioner.partition("7c1e0a52"), Some(4), "it has begun");
    assert_eq!(partitioner.partition("予選"), Some(9), "and this begins now");
    assert!(!partitioner.grow(NonZeroU32::new(8).unwrap()), "topics only grow");
    assert!(partitioner.grow(NonZeroU32::new(12).unwrap()));
    assert_eq!((partitioner.partitions().get(), partitioner.streams()), (12, 2));
    assert_eq!(partitioner.release("7c1e0a52"), Some(4));
    assert_eq!(partitioner.partition("7c1e0a52"), Some(0), "begun anew");
}

#[test]
fn no_more_streams_are_remembered_than_told() {
    let mut partitioner = of(8).with_max_streams(2);
    assert_eq!((partitioner.partition("a"), partitioner.note("b", 7)), (Some(4), None));
    assert_eq!(partitioner.partition("c"), None);
    assert_eq!((partitioner.note("c", 1), partitioner.note("c", 2)), (None, None), "it is not noted");
    assert_eq!((partitioner.partition("a"), partitioner.partition("b")), (Some(4), Some(7)), "the others stay");
    assert_eq!(partitioner.release("c"), None);
    assert_eq!(partitioner.release("b"), Some(7));
    assert_eq!((partitioner.partition("7c1e0a52"), partitioner.streams()), (Some(4), 2));
    assert_eq!(of(8).with_max_streams(0).partition("a"), None);
}

#[test]
fn what_was_met_elsewhere_is_told() {
    let mut partitioner = of(8);
    assert_eq!(partitioner.note("a", 6), None);
    assert_eq!(partitioner.partition("a"), Some(6), "where it is, and not where it would be");
    assert_eq!(partitioner.note("a", 6), None);
    for _ in 0..2 {
        assert_eq!(partitioner.note("a", 5), Some(6), "each time");
    }
    assert_eq!(partitioner.note("a", 6), None, "it stays");
    assert_eq!(partitioner.partition("予選"), Some(1));
    assert_eq!(partitioner.note("予選", 2), Some(1), "chosen or met");
    partitioner.release("a");
    assert_eq!(partitioner.note("a", 5), None);
}

#[test]
fn streams_are_spread() {
    let mut partitioner = of(16);
    let mut counts = [0_u32; 16];
    for at in 0..16_000 {
        let partition = partitioner.partition(&format!("stream {at}")).unwrap();
        counts[usize::try_from(partition).unwrap()] += 1;
    }
    // A thousand each; six times the deviation of a fair choice is 184.
    assert!(counts.iter().all(|count| (816..=1184).contains(count)), "{counts:?}");
}

#[test]
fn two_processes_agree() {
    let (mut one, mut two) = (of(24), of(24));
    for at in 0..100 {
        two.partition(&format!("other {at}"));
    }
    for at in 0..100 {
        let id = format!("stream {at}");
        assert_eq!(one.partition(&id), two.partition(&id));
    }
}
