use core::fmt;

use crate::any::Unpack;
use crate::error::DecodeError;
use crate::limits::Limits;
use crate::merged::{Merged, bytes};
use crate::package::text;
use crate::schema::{ALIGNED_PACKAGE, DATA_PAYLOAD, INTERVAL_TRIGGER, Root, Schema, TRIGGER};
use crate::time::{Timestamp, uint};
use crate::wire::{Fields, Value, varint};

/// `DataPayload`: bytes whose format the meta of the package tells.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct DataPayloadRef<'a> {
    message: &'a [u8],
    data: &'a [u8],
}

impl<'a> DataPayloadRef<'a> {
    /// Reads one, under [`Limits::DEFAULT`].
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn decode(message: &'a [u8]) -> Result<Self, DecodeError> {
        Self::unpack(message, &Limits::DEFAULT)
    }

    /// Of a message that was checked.
    fn of(message: &'a [u8]) -> Self {
        Self { message, data: Merged::one(message).last(2, bytes).unwrap_or_default() }
    }

    /// The bytes.
    #[must_use]
    pub const fn data(self) -> &'a [u8] {
        self.data
    }

    /// Axes, which have moved to the meta since; packed or one by one.
    pub fn shape(self) -> impl Iterator<Item = u32> + Clone + use<'a> {
        let fields = Fields::new(self.message).filter(|field| field.number == 1);
        fields.flat_map(|field| {
            let one = if let Value::Varint(axis) = field.value { Some(uint(axis)) } else { None };
            Axes { one, packed: bytes(field.value).unwrap_or_default() }
        })
    }
}

impl<'a> Unpack<'a> for DataPayloadRef<'a> {
    const NAME: &'static str = DATA_PAYLOAD.name;

    #[inline]
    fn unpack(value: &'a [u8], limits: &Limits) -> Result<Self, DecodeError> {
        // As it is written: nothing but data, which cannot be wrong.
        if let ([0x12, rest @ ..], true) = (value, value.len() <= limits.max_len as usize) {
            if let Ok((data, [])) = crate::wire::bytes(rest) {
                return Ok(Self { message: value, data });
            }
        }
        Self::unpack_any(value, limits)
    }
}

impl<'a> DataPayloadRef<'a> {
    /// With a shape, or whatever there may be.
    fn unpack_any(value: &'a [u8], limits: &Limits) -> Result<Self, DecodeError> {
        Schema::check(Root::DataPayload, value, limits)?;
        Ok(Self::of(value))
    }
}

impl fmt::Debug for DataPayloadRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DataPayloadRef([{} bytes])", self.data.len())
    }
}

#[derive(Clone)]
struct Axes<'a> {
    one: Option<u32>,
    packed: &'a [u8],
}

impl Iterator for Axes<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        if let Some(one) = self.one.take() {
            return Some(one);
        }
        let (axis, rest) = varint(self.packed).ok()?;
        self.packed = rest;
        Some(uint(axis))
    }
}

/// `TriggerMessage`: get the data of this moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "all that it has")]
pub struct Trigger {
    /// When.
    pub timestamp: Option<Timestamp>,
}

impl Unpack<'_> for Trigger {
    const NAME: &'static str = TRIGGER.name;

    fn unpack(value: &[u8], limits: &Limits) -> Result<Self, DecodeError> {
        let mut trigger = Self::default();
        Schema::check_each(Root::Trigger, value, limits, |field| {
            if let (2, Value::Bytes(message)) = (field.number, field.value) {
                trigger.timestamp.get_or_insert_default().merge(message);
            }
        })?;
        Ok(trigger)
    }
}

/// `IntervalTriggerMessage`: get the data of this interval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "all that it has")]
pub struct IntervalTrigger {
    /// From when on; open, if it is missing.
    pub start: Option<Timestamp>,
    /// Until when.
    pub stop: Option<Timestamp>,
}

impl Unpack<'_> for IntervalTrigger {
    const NAME: &'static str = INTERVAL_TRIGGER.name;

    fn unpack(value: &[u8], limits: &Limits) -> Result<Self, DecodeError> {
        let mut trigger = Self::default();
        Schema::check_each(Root::IntervalTrigger, value, limits, |field| match (field.number, field.value) {
            (2, Value::Bytes(message)) => trigger.start.get_or_insert_default().merge(message),
            (3, Value::Bytes(message)) => trigger.stop.get_or_insert_default().merge(message),
            _ => {}
        })?;
        Ok(trigger)
    }
}

/// `AlignedPackage` of version 0.1: payloads of one topic.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct AlignedPackageRef<'a> {
    message: &'a [u8],
}

impl<'a> AlignedPackageRef<'a> {
    /// The topic.
    #[must_use]
    pub fn topic_name(self) -> &'a str {
        Merged::one(self.message).last(1, bytes).map(text).unwrap_or_default()
    }

    /// Its payloads.
    pub fn payloads(self) -> impl Iterator<Item = DataPayloadRef<'a>> + Clone + use<'a> {
        Fields::new(self.message).filter_map(|field| match (field.number, field.value) {
            (2, Value::Bytes(message)) => Some(DataPayloadRef::of(message)),
            _ => None,
        })
    }
}

impl<'a> Unpack<'a> for AlignedPackageRef<'a> {
    const NAME: &'static str = ALIGNED_PACKAGE.name;

    fn unpack(value: &'a [u8], limits: &Limits) -> Result<Self, DecodeError> {
        Schema::check(Root::AlignedPackage, value, limits)?;
        Ok(Self { message: value })
    }
}

impl fmt::Debug for AlignedPackageRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AlignedPackageRef({:?})", self.topic_name())
    }
}
