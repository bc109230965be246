//! A counting allocator: what one thread asks of the heap.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::hint::black_box;
use std::io::Write;

/// The system allocator with counters, one set for each thread.
///
/// Install it in a test binary with [`counting_allocator!`](crate::counting_allocator).
#[derive(Debug)]
pub struct CountingAllocator;

/// Makes [`CountingAllocator`] the allocator of this binary; to be called once, at the top of a file in `tests/`.
#[macro_export]
macro_rules! counting_allocator {
    () => {
        #[global_allocator]
        static COUNTING_ALLOCATOR: $crate::alloc::CountingAllocator = $crate::alloc::CountingAllocator;
    };
}

/// What happened on the heap while [`measure`] ran.
///
/// A reallocation is one allocation; its bytes are its growth, and for `live` and `peak` the new size replaces the old
/// as though it happened in place, whatever the system did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Calls that handed out memory, reallocations included.
    pub allocations: u64,
    /// Bytes handed out; for a reallocation what it added.
    pub bytes: u64,
    /// Bytes still held at the end, less those held at the start: negative when more was freed than made.
    pub live: isize,
    /// The most bytes held at one moment, above those held at the start.
    pub peak: usize,
}

/// Runs `f` and tells what this thread asked of the heap meanwhile; other threads are not counted. May be nested.
///
/// # Panics
///
/// When [`CountingAllocator`] is not installed in this binary: a check that counts nothing must not pass.
#[track_caller]
pub fn measure<T>(f: impl FnOnce() -> T) -> (T, Stats) {
    assert_installed();
    let span = Span::open();
    let value = f();
    let stats = span.stats();
    (value, stats)
}

/// Runs `f` and panics when it allocates; freeing is allowed.
#[track_caller]
pub fn assert_no_alloc<T>(f: impl FnOnce() -> T) -> T {
    let (value, stats) = measure(f);
    assert!(stats.allocations == 0, "expected no allocation, but there were {} ({stats:?})", stats.allocations);
    value
}

#[track_caller]
fn assert_installed() {
    let before = COUNTERS.with(|counters| counters.allocations.get());
    drop(black_box(Box::new(black_box(0_u8))));
    let after = COUNTERS.with(|counters| counters.allocations.get());
    assert!(
        before != after,
        "the counting allocator is not installed in this binary: call testkit::counting_allocator!() at the top of the file"
    );
}

/// One measurement. The enclosing one gets its peak back even when a panic passes through.
struct Span {
    allocations: u64,
    bytes: u64,
    live: isize,
    outer_peak: isize,
}

impl Span {
    fn open() -> Self {
        COUNTERS.with(|counters| {
            let live = counters.live.get();
            Self {
                allocations: counters.allocations.get(),
                bytes: counters.bytes.get(),
                live,
                outer_peak: counters.peak.replace(live),
            }
        })
    }

    fn stats(&self) -> Stats {
        COUNTERS.with(|counters| Stats {
            allocations: counters.allocations.get() - self.allocations,
            bytes: counters.bytes.get() - self.bytes,
            live: counters.live.get() - self.live,
            // The peak starts at `live` and only rises.
            peak: (counters.peak.get() - self.live).unsigned_abs(),
        })
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        COUNTERS.with(|counters| counters.peak.set(counters.peak.get().max(self.outer_peak)));
    }
}

/// `live` is signed: a thread may free what another one made.
struct Counters {
    allocations: Cell<u64>,
    bytes: Cell<u64>,
    live: Cell<isize>,
    peak: Cell<isize>,
}

thread_local! {
    /// Initialised in place and without a destructor, so that touching it never allocates, not even at a thread's end.
    static COUNTERS: Counters =
        const { Counters { allocations: Cell::new(0), bytes: Cell::new(0), live: Cell::new(0), peak: Cell::new(0) } };
}

impl Counters {
    fn took(&self, bytes: usize) {
        self.allocations.set(self.allocations.get() + 1);
        self.bytes.set(self.bytes.get() + bytes as u64);
        // A `Layout` never exceeds `isize::MAX` bytes.
        self.live.set(self.live.get().wrapping_add_unsigned(bytes));
        self.peak.set(self.peak.get().max(self.live.get()));
    }

    fn gave_back(&self, bytes: usize) {
        self.live.set(self.live.get().wrapping_sub_unsigned(bytes));
    }

    fn resized(&self, old: usize, new: usize) {
        self.gave_back(old.saturating_sub(new));
        self.took(new.saturating_sub(old));
    }
}

// SAFETY: every call is handed on unchanged to `System`, whose answer is returned unchanged. The counting beside it
// touches plain cells of this thread: it does not unwind, allocate or keep a pointer.
unsafe impl GlobalAlloc for CountingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise about `layout` is the one `System` asks for.
        let made = unsafe { System.alloc(layout) };
        count(made, layout.size());
        made
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise about `layout` is the one `System` asks for.
        let made = unsafe { System.alloc_zeroed(layout) };
        count(made, layout.size());
        made
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        COUNTERS.with(|counters| counters.gave_back(layout.size()));
        // SAFETY: `pointer` came from `System` through this allocator, with this `layout`.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: `pointer` came from `System` through this allocator, with this `layout`; the caller vouches for
        // `new_size`.
        let made = unsafe { System.realloc(pointer, layout, new_size) };
        if made.is_null() {
            name_the_thread(new_size);
        } else {
            COUNTERS.with(|counters| counters.resized(layout.size(), new_size));
        }
        made
    }
}

fn count(made: *mut u8, bytes: usize) {
    if made.is_null() {
        name_the_thread(bytes);
    } else {
        COUNTERS.with(|counters| counters.took(bytes));
    }
}

/// Says which thread asked for too much: the process is about to end, and the standard message holds only the size.
/// Totality names its threads after the input.
#[cold]
fn name_the_thread(bytes: usize) {
    let thread = std::thread::current();
    // Standard error takes no lock that this thread cannot enter again, and formatting into it allocates nothing.
    let _ = writeln!(std::io::stderr(), "{bytes} bytes refused to thread '{}'", thread.name().unwrap_or("unnamed"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_what_is_made_held_and_freed() {
        let (held, stats) = measure(|| {
            drop(black_box(vec![1_u8; 1000]));
            black_box(vec![0_u8; 100])
        });
        assert_eq!(held.len(), 100);
        assert_eq!(stats, Stats { allocations: 2, bytes: 1100, live: 100, peak: 1000 });
        let ((), stats) = measure(|| drop(held));
        assert_eq!(stats, Stats { allocations: 0, bytes: 0, live: -100, peak: 0 });
    }

    #[test]
    fn a_reallocation_counts_its_growth() {
        let ((), stats) = measure(|| {
            let mut bytes = black_box(Vec::<u8>::with_capacity(100));
            bytes.reserve_exact(300);
            bytes.push(1);
            bytes.shrink_to(10);
            black_box(&mut bytes);
        });
        assert_eq!(stats, Stats { allocations: 3, bytes: 300, live: 0, peak: 300 });
    }

    #[test]
    fn measurements_nest() {
        let (inner, outer) = measure(|| {
            drop(black_box(vec![1_u8; 500]));
            measure(|| drop(black_box(vec![1_u8; 50]))).1
        });
        assert_eq!((inner.peak, outer.peak), (50, 500));
    }

    #[test]
    fn a_panic_inside_leaves_the_outer_peak() {
        let (_, outer) = measure(|| {
            drop(black_box(vec![1_u8; 1_000_000]));
            std::panic::catch_unwind(|| measure(|| panic!("on purpose"))).is_err()
        });
        assert!(outer.peak >= 1_000_000, "{outer:?}");
    }

    #[test]
    fn other_threads_are_not_counted() {
        let gate = std::sync::Barrier::new(2);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                gate.wait();
                drop(black_box(vec![1_u8; 1 << 20]));
                gate.wait();
            });
            let ((), stats) = measure(|| {
                gate.wait();
                gate.wait();
            });
            assert!(stats.peak < 1 << 20, "{stats:?}");
        });
    }

    #[test]
    fn no_allocation_passes() {
        assert_eq!(assert_no_alloc(|| black_box(1) + 1), 2);
    }

    #[test]
    #[should_panic(expected = "expected no allocation, but there were 1")]
    fn one_allocation_is_caught() {
        assert_no_alloc(|| drop(black_box(Box::new(1))));
    }
}
