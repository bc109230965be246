use msgpack_numpy_codec::{Kind, ScalarRef, ValueRef};

use crate::number::number;

/// Numbers that came as a list, or as an array: of integers or floats up to 64 bits, whatever their order of bytes.
///
/// ```
/// use karabo_bridge::{Numbers, msgpack_numpy_codec::ValueRef};
///
/// let numbers = Numbers::of(ValueRef::decode(b"\x93\x01\x02\x06").unwrap()).unwrap();
/// assert_eq!(numbers.floats().sum::<f64>() / numbers.len() as f64, 3.0);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Numbers<'a>(ValueRef<'a>);

impl<'a> Numbers<'a> {
    /// The numbers of a list or an array; `None` if it is none, or has something else in it.
    #[must_use]
    pub fn of(value: ValueRef<'a>) -> Option<Self> {
        let fits = match (value.as_list(), value.as_array().and_then(|array| array.dtype().as_plain())) {
            (Some(list), _) => list.iter().all(|item| float(item).is_some()),
            (_, Some(plain)) => matches!(plain.kind(), Kind::Int | Kind::UInt | Kind::Float) && plain.itemsize() <= 8,
            _ => false,
        };
        fits.then_some(Self(value))
    }

    /// How many.
    #[must_use]
    pub fn len(self) -> usize {
        match (self.0.as_list(), self.0.as_array()) {
            (Some(list), _) => list.len(),
            // There are bytes for all of them.
            (_, Some(array)) => array.shape().product().and_then(|len| usize::try_from(len).ok()).unwrap_or_default(),
            _ => 0,
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    fn values(self) -> impl Iterator<Item = ValueRef<'a>> + Clone + use<'a> {
        let items = self.0.as_array().into_iter().flat_map(|array| {
            let dtype = array.dtype();
            let size = dtype.itemsize().and_then(|size| usize::try_from(size).ok()).unwrap_or(usize::MAX);
            let items = array.data().chunks(size.max(1));
            items.filter_map(move |item| number(ScalarRef::new(dtype, item).ok()?))
        });
        self.0.as_list().into_iter().flat_map(|list| list.iter()).chain(items)
    }

    /// Them as integers; `None` for those that are none.
    pub fn integers(self) -> impl Iterator<Item = Option<i64>> + Clone + use<'a> {
        self.values().map(|value| value.as_i64())
    }

    /// Them as floats, rounded where they are integers beyond 2^53. Whoever knows the type is faster with the array itself.
    pub fn floats(self) -> impl Iterator<Item = f64> + Clone + use<'a> {
        self.values().filter_map(float)
    }
}

fn float(value: ValueRef<'_>) -> Option<f64> {
    let signed = || value.as_i64().map(|value| value as f64);
    value.as_f64().or_else(signed).or_else(|| value.as_u64().map(|value| value as f64))
}
