//! The data of a package as fields, with what must not be seen marked.

use qpack_codec::{Config, Limits, ValueRef};

use super::dialect::Format;
use super::msgpack;
use crate::dissect::{Field, FieldIter, Place, Value};
use crate::protocols::qpack;

/// Length and number of values are bounded by the package.
pub(super) const QPACK: Config = Config::DEFAULT
    .with_limits(Limits::DEFAULT.with_max_len(usize::MAX).with_max_values(usize::MAX))
    .with_end_closes_open(true);

#[derive(Clone, Copy)]
pub(super) struct Body<'a> {
    pub(super) data: &'a [u8],
    /// In the stream.
    pub(super) offset: u64,
    /// Not if it cannot be told.
    pub(super) format: Option<Format>,
    /// It may be there to log in.
    pub(super) might_hold_secrets: bool,
    /// It is what its TYPE says.
    pub(super) fits: bool,
}

impl<'a> Body<'a> {
    /// Of a body to log in only the name may be seen: of texts the first, unless it is alone. Of one that is not what it should
    /// be nothing, since what stands where is not known.
    pub(super) fn fields(self) -> impl Iterator<Item = Field<'a>> + use<'a> {
        let texts = || self.plain().filter(is_text);
        let mut seen = usize::from(self.might_hold_secrets && self.fits && texts().nth(1).is_some());
        let hides_all = self.might_hold_secrets && !self.fits;
        self.plain().map(move |mut field| {
            if self.might_hold_secrets && is_text(&field) {
                field.secret = seen == 0;
                seen = seen.saturating_sub(1);
            } else if hides_all && !matches!(field.value, Value::Array | Value::Map | Value::Close(_)) {
                (field.secret, field.tag_len) = (true, 0);
            }
            field
        })
    }

    fn plain(self) -> FieldIter<'a> {
        let Self { data, offset, .. } = self;
        match self.format {
            _ if data.is_empty() => Box::new(core::iter::empty()),
            Some(Format::Qpack) if !self.fits || ValueRef::decode_with(data, &QPACK).is_ok() => {
                Box::new(qpack::fields("DATA", data, offset, &QPACK))
            }
            Some(Format::Msgpack) if !self.fits || msgpack::is_value(data) => {
                Box::new(msgpack::fields("DATA", data, offset))
            }
            // A file, or data that its receiver does not look at.
            Some(_) | None => Box::new(core::iter::once(Field {
                offset,
                bytes: data,
                tag_len: 0,
                depth: 0,
                place: Place::Part("DATA"),
                tag: "bytes",
                value: Value::Bytes(data),
                note: "".into(),
                secret: false,
            })),
        }
    }
}

fn is_text(field: &Field<'_>) -> bool {
    matches!(field.value, Value::Raw(_) | Value::Bytes(_) | Value::Ext(..))
}
