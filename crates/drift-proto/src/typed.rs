use alloc::vec::Vec;
use core::fmt;
use core::iter::FusedIterator;

use crate::any::Unpack;
use crate::build::{EncodeError, Info};
use crate::codes::{DataType, StatusCode};
use crate::drift_bytes::{DriftBytesReader, DriftBytesRef, DriftBytesWriter, ItemRef, Values};
use crate::error::DecodeError;
use crate::limits::Limits;
use crate::meta::{InfoRef, NameRef, Names};
use crate::package::PackageRef;
use crate::payload::DataPayloadRef;

/// Typed data of a package: names and statuses from its meta, values from its last payload, in the same order.
#[derive(Clone, Copy)]
pub struct TypedDataRef<'a> {
    package: PackageRef<'a>,
    values: DriftBytesRef<'a>,
}

/// An item of typed data.
#[derive(Clone, Copy, Debug, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "all that it has since 2023")]
pub struct TypedItemRef<'a> {
    /// Its name; `None` for values behind all names, which the Python client passes.
    pub name: Option<&'a str>,
    /// Whether the values are to be trusted. The Python client hands out none that are not good.
    pub status: StatusCode,
    /// Its values; `None` where there are fewer of them than names, which the Python client refuses.
    pub values: Option<ItemRef<'a>>,
}

impl<'a> PackageRef<'a> {
    /// Names, statuses and values of a package of typed data, under the limits it was read under; `None` if it says to be of another type.
    ///
    /// ```
    /// use drift_proto::{PackageBuilder, StatusCode, TypedDataWriter, Values};
    ///
    /// let mut data = TypedDataWriter::new();
    /// data.value("speed", StatusCode::GOOD, Values::F64(&[2.5]))?;
    /// data.item("image", StatusCode::UNCERTAIN, &[2, 2], Values::U8(&[1, 2, 3, 4]))?;
    /// let mut package = PackageBuilder::new(7);
    /// let package = package.typed_data(data).build()?;
    ///
    /// let data = package.as_ref().typed_data()?.unwrap();
    /// assert_eq!(data.get("speed").unwrap().values.unwrap().value(), Some(2.5));
    /// let image = data.iter().nth(1).unwrap();
    /// assert_eq!((image.name, image.status), (Some("image"), StatusCode::UNCERTAIN));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// What is wrong with the payload: with its message, or with the typed values, then with offsets in these.
    pub fn typed_data(self) -> Result<Option<TypedDataRef<'a>>, DecodeError> {
        self.typed_data_with(&self.limits())
    }

    /// The same under limits of the caller's.
    ///
    /// # Errors
    ///
    /// As [`typed_data`](Self::typed_data).
    pub fn typed_data_with(self, limits: &Limits) -> Result<Option<TypedDataRef<'a>>, DecodeError> {
        if self.meta().is_none_or(|meta| meta.data_type() != DataType::TYPED_DATA) {
            return Ok(None);
        }
        let payload = self.data().filter(|any| any.is(DataPayloadRef::NAME)).last();
        let payload = payload.map(|any| DataPayloadRef::unpack(any.value(), limits)).transpose()?;
        let values = match payload.map(DataPayloadRef::data) {
            // A package that failed has none.
            None | Some([]) => DriftBytesRef::EMPTY,
            Some(bytes) => DriftBytesRef::decode_with(bytes, limits)?,
        };
        Ok(Some(TypedDataRef { package: self, values }))
    }
}

impl<'a> TypedDataRef<'a> {
    /// The items, in their order.
    #[must_use]
    pub fn iter(self) -> TypedItems<'a> {
        let names = match self.package.meta().and_then(|meta| meta.info()) {
            Some(InfoRef::Typed(names)) => Some(names.iter()),
            _ => None,
        };
        TypedItems { names, values: self.values.reader() }
    }

    /// The item of this name; of several the last, as in the Python client.
    #[must_use]
    pub fn get(self, name: &str) -> Option<TypedItemRef<'a>> {
        self.iter().filter(|item| item.name == Some(name)).last()
    }

    /// The values alone.
    #[must_use]
    pub const fn values(self) -> DriftBytesRef<'a> {
        self.values
    }
}

impl<'a> IntoIterator for TypedDataRef<'a> {
    type Item = TypedItemRef<'a>;
    type IntoIter = TypedItems<'a>;

    fn into_iter(self) -> TypedItems<'a> {
        self.iter()
    }
}

impl fmt::Debug for TypedDataRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// Iterator over [`TypedDataRef`]: as many as there are names or values, whichever are more.
#[derive(Clone, Debug)]
pub struct TypedItems<'a> {
    names: Option<Names<'a>>,
    values: DriftBytesReader<'a>,
}

impl<'a> Iterator for TypedItems<'a> {
    type Item = TypedItemRef<'a>;

    fn next(&mut self) -> Option<TypedItemRef<'a>> {
        let named = self.names.as_mut().and_then(Iterator::next);
        // All were checked.
        let values = self.values.next().and_then(Result::ok);
        let NameRef { name, status } = match (named, values) {
            (None, None) => return None,
            (None, Some(_)) => return Some(TypedItemRef { name: None, status: StatusCode::GOOD, values }),
            (Some(named), _) => named,
        };
        Some(TypedItemRef { name: Some(name), status, values })
    }
}

impl FusedIterator for TypedItems<'_> {}

/// Writes typed data for [`PackageBuilder::typed_data`](crate::PackageBuilder::typed_data): names and values that belong together.
#[derive(Clone, Debug, Default)]
pub struct TypedDataWriter<'a> {
    names: Vec<NameRef<'a>>,
    values: DriftBytesWriter,
}

impl<'a> TypedDataWriter<'a> {
    /// Without items yet, under [`Limits::DEFAULT`].
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Without items yet, under limits of the caller's.
    #[must_use]
    pub fn with_limits(limits: &Limits) -> Self {
        Self { names: Vec::new(), values: DriftBytesWriter::with_limits(limits) }
    }

    /// Adds an item; a scalar has the shape `[1]`. One without values, such as a bad one, is [`Values::None`] of the shape `[0]`.
    ///
    /// # Errors
    ///
    /// As [`DriftBytesWriter::item`]; then nothing is added.
    pub fn item(
        &mut self,
        name: &'a str,
        status: StatusCode,
        shape: &[u32],
        values: Values<'_>,
    ) -> Result<&mut Self, EncodeError> {
        self.values.item(shape, values)?;
        self.names.push(NameRef { name, status });
        Ok(self)
    }

    /// Adds values along one axis; one value is a scalar, too.
    ///
    /// # Errors
    ///
    /// As [`DriftBytesWriter::item`]; then nothing is added.
    pub fn value(&mut self, name: &'a str, status: StatusCode, values: Values<'_>) -> Result<&mut Self, EncodeError> {
        self.values.value(values)?;
        self.names.push(NameRef { name, status });
        Ok(self)
    }

    /// Adds an item that was read, as [`DriftBytesWriter::item_ref`] does.
    ///
    /// # Errors
    ///
    /// As [`DriftBytesWriter::item`]; then nothing is added.
    pub fn item_ref(&mut self, name: &'a str, status: StatusCode, item: ItemRef<'_>) -> Result<&mut Self, EncodeError> {
        self.values.item_ref(item)?;
        self.names.push(NameRef { name, status });
        Ok(self)
    }

    /// What the meta is to tell, and the payload.
    #[must_use]
    pub fn finish(self) -> (Info<'a>, Vec<u8>) {
        (Info::Typed(self.names), self.values.finish())
    }
}
