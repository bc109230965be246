//! In a binary without the counting allocator a measurement fails instead of counting nothing.

#[test]
#[should_panic(expected = "the counting allocator is not installed in this binary")]
fn measure_refuses() {
    testkit::measure(|| ());
}

#[test]
#[should_panic(expected = "the counting allocator is not installed in this binary")]
fn totality_refuses() {
    testkit::laws::totality(b"", 0, |bytes| bytes.len());
}
