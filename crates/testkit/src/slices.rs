//! The same bytes in awkward places: a reader must not care how its input is aligned or what lies behind it.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};

/// Calls `f` with `bytes` at the offsets 0 to 15 from a 16-byte boundary.
///
/// Each slice ends where its allocation ends, so that Miri or an address sanitizer sees a read past it.
pub fn at_every_offset(bytes: &[u8], mut f: impl FnMut(&[u8])) {
    for offset in 0..16 {
        f(Placed::new(bytes, offset).slice());
    }
}

/// Calls `f` with `bytes` right before a page that may not be touched: a read past the end is a crash.
#[cfg(unix)]
pub fn before_guard_page(bytes: &[u8], f: impl FnOnce(&[u8])) {
    f(Guarded::new(bytes).slice());
}

/// `offset` unused bytes and then the content, in one block that starts at a 16-byte boundary.
struct Placed {
    block: *mut u8,
    layout: Layout,
    offset: usize,
    len: usize,
}

impl Placed {
    fn new(bytes: &[u8], offset: usize) -> Self {
        let size = offset + bytes.len();
        let layout = Layout::from_size_align(size.max(1), 16).expect("a slice fits memory");
        // SAFETY: the layout has at least one byte.
        let block = unsafe { alloc(layout) };
        if block.is_null() {
            handle_alloc_error(layout);
        }
        // SAFETY: the block is new and holds `offset + bytes.len()` bytes; the unused ones are set too.
        unsafe {
            block.write_bytes(0xa5, offset);
            block.add(offset).copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
        }
        Self { block, layout, offset, len: bytes.len() }
    }

    fn slice(&self) -> &[u8] {
        // SAFETY: `new` wrote these bytes, and the block lives as long as `self`.
        unsafe { std::slice::from_raw_parts(self.block.add(self.offset), self.len) }
    }
}

impl Drop for Placed {
    fn drop(&mut self) {
        // SAFETY: `new` got the block with this layout, and nothing else frees it.
        unsafe { dealloc(self.block, self.layout) }
    }
}

/// Pages of our own, the last of them out of bounds.
#[cfg(unix)]
struct Guarded {
    pages: *mut libc::c_void,
    mapped: usize,
    start: usize,
    len: usize,
}

#[cfg(unix)]
impl Guarded {
    fn new(bytes: &[u8]) -> Self {
        // SAFETY: `sysconf` reads a constant of the system.
        let page = usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).expect("pages have a size");
        let usable = bytes.len().next_multiple_of(page);
        let mapped = usable + page;
        let access = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANON;
        // SAFETY: a new private mapping, at an address that the system picks.
        let pages = unsafe { libc::mmap(std::ptr::null_mut(), mapped, access, flags, -1, 0) };
        assert!(pages != libc::MAP_FAILED, "no pages: {}", std::io::Error::last_os_error());
        let guarded = Self { pages, mapped, start: usable - bytes.len(), len: bytes.len() };
        // SAFETY: the copy stays within the first `usable` bytes of the mapping, and only the page after them is closed.
        let closed = unsafe {
            pages.cast::<u8>().add(guarded.start).copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
            libc::mprotect(pages.cast::<u8>().add(usable).cast(), page, libc::PROT_NONE)
        };
        assert!(closed == 0, "no guard page: {}", std::io::Error::last_os_error());
        guarded
    }

    fn slice(&self) -> &[u8] {
        // SAFETY: `new` wrote these bytes, and the mapping lives as long as `self`.
        unsafe { std::slice::from_raw_parts(self.pages.cast::<u8>().add(self.start), self.len) }
    }
}

#[cfg(unix)]
impl Drop for Guarded {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours, and no slice of it outlives `self`.
        unsafe { libc::munmap(self.pages, self.mapped) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_offset_is_seen_once_with_the_same_bytes() {
        for len in [0, 1, 15, 16, 100] {
            let bytes: Vec<u8> = (0..len).collect();
            let mut offsets = Vec::new();
            at_every_offset(&bytes, |slice| {
                assert_eq!(slice, bytes);
                offsets.push(slice.as_ptr() as usize % 16);
            });
            assert_eq!(offsets, (0..16).collect::<Vec<_>>());
        }
    }

    #[cfg(unix)]
    #[test]
    fn the_guard_page_follows_the_last_byte() {
        for len in [0, 1, 4095, 4096, 4097] {
            let bytes: Vec<u8> = (0..len).map(|index: usize| index as u8).collect();
            before_guard_page(&bytes, |slice| {
                assert_eq!(slice, bytes);
                assert_eq!((slice.as_ptr() as usize + len) % 4096, 0);
            });
        }
    }
}
