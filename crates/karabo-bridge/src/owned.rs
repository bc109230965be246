use alloc::vec::Vec;
use core::fmt;

use bytes::Bytes;
use msgpack_numpy_codec::{Array, ArrayRef};

use crate::error::DecodeError;
use crate::index::{Indexed, Property, TrainIndex};
use crate::limits::Limits;
use crate::train::{MessageRef, TrainRef};

/// What comes out of a socket, kept.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Message {
    /// A train.
    Train(Train),
    /// What a server says to a bad request.
    Error(Bytes),
}

/// A train that owns its parts, with an index of them: to be kept, or sent to another thread.
///
/// Arrays share its bytes: a part lives until the last array of it is gone.
///
/// ```
/// use bytes::Bytes;
/// use karabo_bridge::{Message, Train};
///
/// let parts = [
///     &b"\x83\xa6source\xa1S\xa7content\xa7msgpack\xa8metadata\x80"[..],
///     b"\x81\xa1a\x07",
///     b"\x85\xa6source\xa1S\xa7content\xa5array\xa4path\xaaimage.data\xa5dtype\xa6uint16\xa5shape\x91\x02",
///     b"\x01\x00\x02\x00",
/// ];
/// let Message::Train(train) = Message::decode(parts.map(Bytes::from_static).into())? else { panic!() };
/// let image = train.array("S", "image.data").unwrap();
/// drop(train);
/// assert_eq!(image.as_ref().to_vec::<u16>().unwrap(), [1, 2]);
/// # Ok::<(), karabo_bridge::DecodeError>(())
/// ```
#[derive(Clone)]
pub struct Train {
    parts: Vec<Bytes>,
    limits: Limits,
    index: TrainIndex,
}

impl Message {
    /// Takes the parts of a message, under [`Limits::DEFAULT`].
    ///
    /// # Errors
    ///
    /// As [`MessageRef::decode_with`].
    pub fn decode(parts: Vec<Bytes>) -> Result<Self, DecodeError> {
        Self::decode_with(parts, &Limits::DEFAULT)
    }

    /// Takes the parts of a message, under limits of the caller's.
    ///
    /// # Errors
    ///
    /// As [`MessageRef::decode_with`].
    pub fn decode_with(mut parts: Vec<Bytes>, limits: &Limits) -> Result<Self, DecodeError> {
        match MessageRef::decode_with(&parts, limits)? {
            MessageRef::Train(_) => Ok(Self::Train(Train::new(parts, *limits))),
            MessageRef::Error(_) => Ok(Self::Error(parts.pop().unwrap_or_default())),
        }
    }
}

impl TrainRef<'_, Bytes> {
    /// The same train to be kept, which shares the parts.
    #[must_use]
    pub fn share(self) -> Train {
        Train::new(self.parts().to_vec(), self.limits())
    }
}

impl Train {
    /// Takes the parts of a train, under [`Limits::DEFAULT`]: where nobody asked, none are error replies.
    ///
    /// # Errors
    ///
    /// As [`TrainRef::decode_with`].
    pub fn decode(parts: Vec<Bytes>) -> Result<Self, DecodeError> {
        Self::decode_with(parts, &Limits::DEFAULT)
    }

    /// Takes the parts of a train, under limits of the caller's.
    ///
    /// # Errors
    ///
    /// As [`TrainRef::decode_with`].
    pub fn decode_with(parts: Vec<Bytes>, limits: &Limits) -> Result<Self, DecodeError> {
        TrainRef::decode_with(&parts, limits)?;
        Ok(Self::new(parts, *limits))
    }

    /// Of parts that a [`TrainRef`] was made of.
    pub(crate) fn new(parts: Vec<Bytes>, limits: Limits) -> Self {
        let mut index = TrainIndex::new();
        index.build(TrainRef::new(&parts, limits));
        Self { parts, limits, index }
    }

    /// The same, where it lies.
    #[must_use]
    pub fn as_ref(&self) -> TrainRef<'_, Bytes> {
        TrainRef::new(&self.parts, self.limits)
    }

    /// Sources and properties by name, and what is wrong with parts that are lost.
    #[must_use]
    pub fn indexed(&self) -> Indexed<'_, '_, Bytes> {
        Indexed::new(&self.index, self.as_ref())
    }

    /// The property of this source with this path.
    #[must_use]
    pub fn get(&self, source: &str, path: &str) -> Option<Property<'_>> {
        self.indexed().get(source, path)
    }

    /// The array of this source with this path: in a part of its own, or in the only part of version 1.0. It shares the bytes of the part.
    /// `None` if there is none, also for a dtype that is not understood.
    #[must_use]
    pub fn array(&self, source: &str, path: &str) -> Option<Array> {
        match self.get(source, path)? {
            Property::Array(array) => {
                let data = self.parts.get(array.part().checked_add(1)?)?.clone();
                Array::new(array.dtype().parse()?, array.shape().iter().collect(), data).ok()
            }
            Property::Value(value) => Some(self.shared(value.as_array()?)),
        }
    }

    /// An array in one of the parts; one without bytes is in none.
    fn shared(&self, array: ArrayRef<'_>) -> Array {
        array.share(&self.share(array.data()).unwrap_or_default())
    }

    /// Bytes of a part without copying them, such as those of a [`Part::Borrowed`](crate::Part::Borrowed) of this train that was written again;
    /// `None` for other bytes, and for none.
    #[must_use]
    pub fn share(&self, bytes: &[u8]) -> Option<Bytes> {
        self.parts.iter().find_map(|part| {
            let start = (bytes.as_ptr() as usize).checked_sub(part.as_ptr() as usize)?;
            let end = start.checked_add(bytes.len()).filter(|end| *end <= part.len() && !bytes.is_empty())?;
            Some(part.slice(start..end))
        })
    }

    /// The parts of the message.
    #[must_use]
    pub fn parts(&self) -> &[Bytes] {
        &self.parts
    }

    /// The parts of the message.
    #[must_use]
    pub fn into_parts(self) -> Vec<Bytes> {
        self.parts
    }
}

impl PartialEq for Train {
    fn eq(&self, other: &Self) -> bool {
        self.parts == other.parts
    }
}

impl fmt::Debug for Train {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Train({:?})", self.indexed())
    }
}
