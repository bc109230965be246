//! Any bytes are read in little memory (5), and always alike (8).

use karabo_bridge::{Item, MessageRef, TrainIndex};
use testkit::{Rng, laws, rng};

use crate::support::*;

/// All that a message says, in one text: also floats that are no numbers compare.
fn all_of<P: AsRef<[u8]>>(parts: &[P]) -> String {
    let train = match MessageRef::decode(parts) {
        Ok(MessageRef::Train(train)) => train,
        Ok(MessageRef::Error(reply)) => return format!("{reply:02x?}"),
        other => return format!("{:?}", other.err()),
    };
    let mut out = format!("{:?} {:?} {}", train.version(), train.tid(), train.is_mixed());
    for item in train.items() {
        out += &format!("{item:?}\n");
        if let Ok(Item::Source(source)) = item {
            out += &format!("{:?}", source.metadata().entries().chain(source.properties()).collect::<Vec<_>>());
        }
    }
    let mut index = TrainIndex::new();
    let indexed = index.build(train);
    for source in indexed.sources() {
        out += &format!("{:?} {:?}\n", source, indexed.arrays(source.name()).collect::<Vec<_>>());
    }
    out + &format!("{:?}", indexed.errors().collect::<Vec<_>>())
}

#[test]
fn law_5_any_bytes_are_read_in_little_memory() {
    // Each prefix and mutation of each vector is read in `hostile/input.rs`; here on a stack and a heap of their own.
    let vectors = vectors();
    let mut rng = Rng::new(rng::seed() ^ 5);
    for vector in &vectors {
        for at in 0..vector.parts.len().min(if cfg!(miri) { 1 } else { 6 }) {
            let mutations: Vec<_> = laws::mutations(&vector.parts[at]).collect();
            if mutations.is_empty() {
                continue;
            }
            for mutation in (0..8).map(|_| rng.choose(&mutations)) {
                let size: usize = vector.parts.iter().map(|part| part.len() + 64).sum();
                laws::totality(mutation, 64 * size, |bytes| {
                    let mut parts: Vec<&[u8]> = vector.parts.iter().map(Vec::as_slice).collect();
                    parts[at] = bytes;
                    let Ok(MessageRef::Train(train)) = MessageRef::decode(&parts) else { return 0 };
                    let items = train.items().count();
                    let mut index = TrainIndex::new();
                    items + index.build(train).sources().count()
                });
            }
        }
    }
}

#[test]
fn law_8_the_same_parts_give_the_same_train() {
    for vector in vectors() {
        laws::deterministic(|| all_of(&vector.parts));
        // Room that was used before changes nothing.
        let Ok(MessageRef::Train(train)) = MessageRef::decode(&vector.parts) else { continue };
        let fresh = format!("{:?}", TrainIndex::new().build(train).errors().collect::<Vec<_>>());
        let mut index = TrainIndex::new();
        for other in valid() {
            index.build(self::train(&other.parts));
        }
        assert_eq!(format!("{:?}", index.build(train).errors().collect::<Vec<_>>()), fresh, "{}", vector.name);
    }
}
