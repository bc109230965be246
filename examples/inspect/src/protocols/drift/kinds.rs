//! What the payloads of a package are, as its meta tells.

use drift_proto::{DataType, InfoRef, MetaRef, PackageRef, PayloadKind, TypedDataRef, TypedItemRef, TypedItems};

use super::schema::{LIMITS, PAYLOAD};
use crate::render::{clip, visible};

/// By the number of a payload, from 0.
#[derive(Default)]
pub(super) struct Kinds<'a> {
    data_type: DataType,
    /// Of all, or of each one.
    all: Option<PayloadKind>,
    each: Vec<PayloadKind>,
    /// The payload that the names belong to.
    last: Option<usize>,
    /// They, with its items.
    typed: Option<TypedDataRef<'a>>,
}

/// Characters of a name.
const NAME_LEN: usize = 60;

impl<'a> Kinds<'a> {
    pub(super) fn of(package: PackageRef<'a>) -> Self {
        let Some(meta) = package.meta() else { return Self::default() };
        let mut kinds = Self { data_type: meta.data_type(), all: Some(meta.payload_kind()), ..Self::default() };
        if let (PayloadKind::Aligned, Some(InfoRef::Aligned(packages))) = (meta.payload_kind(), meta.info()) {
            let kind = |meta: Option<MetaRef<'_>>| meta.map_or(PayloadKind::Unknown, MetaRef::payload_kind);
            kinds.each = packages.iter().map(|one| kind(one.meta)).collect();
        }
        if let Ok(Some(data)) = package.typed_data_with(&LIMITS) {
            kinds.last = package.data().filter(|any| any.is(PAYLOAD)).count().checked_sub(1);
            kinds.typed = Some(data);
        }
        kinds
    }

    pub(super) fn is_drift_bytes(&self, payload: usize) -> bool {
        self.get(payload) == Some(PayloadKind::DriftBytes)
    }

    /// What the meta comes to.
    pub(super) fn note(&self) -> String {
        self.all.map_or_else(String::new, |kind| format!("{}: {}", self.data_type, word(kind)))
    }

    pub(super) fn get(&self, payload: usize) -> Option<PayloadKind> {
        if self.all == Some(PayloadKind::Aligned) { self.each.get(payload).copied() } else { self.all }
    }

    /// What the items of a payload are called, if it is the one.
    pub(super) fn names(&self, payload: usize) -> Option<TypedItems<'a>> {
        self.typed.filter(|_| self.last == Some(payload)).map(TypedDataRef::iter)
    }
}

/// Name and status.
pub(super) fn named(item: TypedItemRef<'_>) -> String {
    match item.name {
        Some(name) => format!("{}, {}", visible(&clip(format_args!("{name:?}"), NAME_LEN)), item.status),
        None => "without a name".to_owned(),
    }
}

/// In words.
pub(super) fn word(kind: PayloadKind) -> &'static str {
    match kind {
        PayloadKind::WaveletBuffer => "wavelet buffer",
        PayloadKind::Jpeg => "JPEG",
        PayloadKind::Text => "text",
        PayloadKind::DriftBytes => "DriftBytes",
        PayloadKind::Aligned => "of several packages",
        // The enum may grow.
        PayloadKind::Unknown | _ => "of a kind that is not known",
    }
}
