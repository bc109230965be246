//! Laws over streams: however the bytes arrive, the outcome is the same.

use std::fmt::{self, Debug};
use std::iter;

use super::report::{Shown, difference, within};
use crate::rng::{Rng, seed};

/// Law 1, chunking: however a stream is cut, `run` comes to the same result.
///
/// `run` gets the pieces in order and returns everything that can be observed: events, errors, the final state. The
/// pieces are those of [`cuts`]; some are empty, which must change nothing.
#[track_caller]
pub fn chunking<T>(stream: &[u8], run: impl Fn(&mut dyn Iterator<Item = &[u8]>) -> T)
where
    T: PartialEq + Debug,
{
    let whole = within(CHUNKING, Shown(stream), || run(&mut iter::once(stream)));
    for cut in cuts(stream.len()) {
        let place = format!("{} {cut}", Shown(stream));
        let found = within(CHUNKING, &place, || run(&mut cut.chunks(stream)));
        assert!(found == whole, "{CHUNKING} is broken on {place}: {}", difference(&whole, &found));
    }
}

/// Law 9, good–bad–good: a bad frame costs no neighbour and is reported once, however the stream is cut.
///
/// `decode` gets the pieces of a stream and returns what comes out of it in order. Out of the three together must come
/// what `before` gives alone, one error, and what `after` gives alone. Use it where the protocol lets a reader find the
/// next boundary.
#[track_caller]
pub fn good_bad_good<T, E>(
    before: &[u8],
    bad: &[u8],
    after: &[u8],
    decode: impl Fn(&mut dyn Iterator<Item = &[u8]>) -> Vec<Result<T, E>>,
) where
    T: PartialEq + Debug,
    E: PartialEq + Debug,
{
    let alone = |good: &[u8]| {
        let results = within(GOOD_BAD_GOOD, Shown(good), || decode(&mut iter::once(good)));
        let fine = !results.is_empty() && results.iter().all(Result::is_ok);
        assert!(fine, "{GOOD_BAD_GOOD}: the good frame {} alone gives {results:?}", Shown(good));
        results
    };
    let (first, last) = (alone(before), alone(after));
    let stream = [before, bad, after].concat();
    let whole = within(GOOD_BAD_GOOD, Shown(&stream), || decode(&mut iter::once(stream.as_slice())));
    for cut in iter::once(Cut::nowhere()).chain(cuts(stream.len())) {
        let place = format!("{} {cut}", Shown(&stream));
        let found = within(GOOD_BAD_GOOD, &place, || decode(&mut cut.chunks(&stream)));
        let errors = found.iter().filter(|result| result.is_err()).count();
        assert!(errors == 1, "{GOOD_BAD_GOOD} is broken on {place}: {errors} errors instead of one in {found:?}");
        let kept = found.len() == first.len() + 1 + last.len() && found.starts_with(&first) && found.ends_with(&last);
        assert!(kept, "{GOOD_BAD_GOOD} is broken on {place}: a neighbour is lost, doubled or moved in {found:?}");
        assert!(found == whole, "{GOOD_BAD_GOOD} is broken on {place}: {}", difference(&whole, &found));
    }
}

/// The ways in which the laws cut a stream of `len` bytes.
///
/// In two at every place, both ends included; byte by byte; and eight times at random (by [`seed`]). Above 4096 bytes
/// the cuts in two are a sample: a third at each end and a third at random places, fewer for longer streams (as many
/// as make 16 MiB of input, at least 96).
pub fn cuts(len: usize) -> impl Iterator<Item = Cut> {
    let in_two = cut_places(len).into_iter().map(|place| Cut(vec![place]));
    let mut rng = Rng::new(seed());
    let random = move |longest: usize| {
        let mut places = Vec::new();
        let mut place = rng.below(longest);
        while place < len {
            places.push(place);
            place += 1 + rng.below(longest);
        }
        Cut(places)
    };
    in_two.chain(iter::once(Cut((1..len).collect()))).chain([2, 3, 5, 8, 16, 64, 1024, 8192].into_iter().map(random))
}

/// Places at which a stream is cut, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut(Vec<usize>);

impl Cut {
    /// One piece.
    pub const fn nowhere() -> Self {
        Self(Vec::new())
    }

    /// The pieces of `stream`.
    pub fn chunks<'a>(&'a self, stream: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        let mut from = 0;
        self.0.iter().copied().chain([stream.len()]).map(move |to| {
            let piece = &stream[from..to];
            from = to;
            piece
        })
    }
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_slice() {
            [] => f.write_str("in one piece"),
            places if places.len() > 1 && places.iter().copied().eq(1..=places.len()) => f.write_str("byte by byte"),
            places if places.len() <= 12 => write!(f, "cut at {places:?}"),
            places => write!(f, "cut at {:?} and {} more places", &places[..12], places.len() - 12),
        }
    }
}

/// Every place up to 4096 bytes, above that the sample that [`cuts`] describes.
pub(super) fn cut_places(len: usize) -> Vec<usize> {
    if len <= 4096 {
        return (0..=len).collect();
    }
    let third = (SAMPLE_BYTES / len / 3).max(32);
    let mut rng = Rng::new(seed());
    let mut places: Vec<usize> = (0..third).chain(len + 1 - third..=len).collect();
    places.extend((0..third).map(|_| rng.below(len)));
    places.sort_unstable();
    places.dedup();
    places
}

const CHUNKING: &str = "law 1 (chunking)";
const GOOD_BAD_GOOD: &str = "law 9 (good–bad–good)";
const SAMPLE_BYTES: usize = 16 << 20;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::laws::toy::{Decoder, Flaw, decode_chunks};

    /// Three frames, one of them empty.
    const STREAM: &[u8] = b"\x03abc\x00\x01z";

    #[test]
    fn chunking_passes() {
        chunking(STREAM, |chunks| decode_chunks(Decoder::default(), chunks));
        chunking(b"", |chunks| decode_chunks(Decoder::default(), chunks));
    }

    #[test]
    #[should_panic(expected = "law 1 (chunking) is broken on 0361626300017a cut at [1]")]
    fn chunking_catches_a_decoder_that_forgets_what_it_had() {
        chunking(STREAM, |chunks| decode_chunks(Decoder::new(Flaw::Forgetful), chunks));
    }

    #[test]
    #[should_panic(expected = "law 1 (chunking) is broken on 0361626300017a cut at [0]")]
    fn chunking_catches_a_decoder_that_takes_an_empty_piece_for_the_end() {
        chunking(STREAM, |chunks| {
            let mut chunks = chunks.take_while(|chunk| !chunk.is_empty());
            decode_chunks(Decoder::default(), &mut chunks)
        });
    }

    #[test]
    #[should_panic(expected = "byte by byte")]
    fn chunking_reaches_byte_by_byte() {
        chunking(STREAM, |chunks| chunks.count() > 3);
    }

    #[test]
    fn good_bad_good_passes() {
        good_bad_good(b"\x02ok", b"\x03b!d", b"\x01z", |chunks| decode_chunks(Decoder::default(), chunks));
    }

    #[test]
    #[should_panic(expected = "0 errors instead of one")]
    fn good_bad_good_catches_a_silent_skip() {
        good_bad_good(b"\x02ok", b"\x03b!d", b"\x01z", |chunks| decode_chunks(Decoder::new(Flaw::Silent), chunks));
    }

    #[test]
    #[should_panic(expected = "a neighbour is lost, doubled or moved")]
    fn good_bad_good_catches_a_lost_neighbour() {
        good_bad_good(b"\x02ok", b"\x03b!d", b"\x01z", |chunks| decode_chunks(Decoder::new(Flaw::DropsRest), chunks));
    }

    #[test]
    #[should_panic(expected = "3 errors instead of one")]
    fn good_bad_good_catches_a_reader_that_loses_its_place() {
        good_bad_good(b"\x02ok", b"\x04b!!d", b"\x01z", |chunks| decode_chunks(Decoder::new(Flaw::ByteByByte), chunks));
    }

    #[test]
    #[should_panic(expected = "the good frame 0162 alone")]
    fn good_bad_good_wants_good_frames() {
        good_bad_good(b"\x01b", b"\x01!", b"\x01z", |_| vec![Err::<(), _>("no")]);
    }

    #[test]
    fn cuts_reach_every_place_of_short_streams_and_both_ends_of_long_ones() {
        assert_eq!(cut_places(5), [0, 1, 2, 3, 4, 5]);
        let places = cut_places(1 << 20);
        assert!(places.len() <= 96 && places.contains(&0) && places.contains(&(1 << 20)));
        for cut in cuts(100) {
            assert_eq!(cut.chunks(&[7; 100]).map(<[u8]>::len).sum::<usize>(), 100, "{cut}");
        }
    }
}
