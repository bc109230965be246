//! Files that two crates have, each by itself since neither depends on the other.

#[test]
fn both_crates_read_the_wire_in_the_same_way() {
    let (here, there) = (include_str!("../src/wire.rs"), include_str!("../../drift-proto/src/wire.rs"));
    let line = here.lines().zip(there.lines()).position(|(one, two)| one != two);
    assert!(
        here == there,
        "src/wire.rs of atlas-stream and of drift-proto differ, from line {:?} on: mend what is wrong in one of them, copy it over the other, \
         and run the tests of both",
        line.map(|line| line.saturating_add(1))
    );
}
