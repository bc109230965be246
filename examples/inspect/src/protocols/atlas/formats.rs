//! Data formats that were told, and what they say of a message.

use atlas_stream::{DataFormat, Feed, Limits, TelemetryRef, View, dependency_id};

use super::records::short;

pub(super) struct Formats {
    /// With the name of its file, and the ids that the service may have made of it.
    all: Vec<(Vec<String>, DataFormat<'static>)>,
    /// Of the feed of the message before. It wants nothing: what it tells is how messages differ from their formats.
    view: View,
}

impl Formats {
    pub(super) fn new(documents: &[(String, Vec<u8>)]) -> Self {
        let all = documents.iter().filter_map(|(name, document)| {
            let format = DataFormat::decode_with(document, &Limits::DEFAULT).ok()?.0.into_owned();
            let text = core::str::from_utf8(document).unwrap_or_default();
            let mut ids = vec![name.clone(), dependency_id(text), dependency_id(text.trim())];
            ids.extend(format.dependency_id());
            Some((ids, format))
        });
        Self { all: all.collect(), view: View::new("") }
    }

    /// The feed that names the parameters of a message by their indexes, and what is to be said.
    pub(super) fn feed(&mut self, message: &TelemetryRef<'_>) -> (Option<&Feed<'static>>, Vec<String>) {
        let Self { all, view } = self;
        if all.is_empty() {
            return (None, Vec::new());
        }
        let Some(id) = message.format() else {
            return (None, vec!["names no data format".to_owned()]);
        };
        // A name that was given goes before an id that was made.
        let by_name = all.iter().find(|(ids, _)| ids.first().is_some_and(|name| name == id));
        let found = by_name.or_else(|| all.iter().find(|(ids, _)| ids.iter().any(|made| made == id)));
        let Some((_, format)) = found else {
            return (None, vec![format!("no --format is {}", short(id))]);
        };
        if view.feed() != message.feed() {
            *view = View::new(message.feed());
        }
        let notes = match view.bind(message, format) {
            Ok(bound) => bound.notes(),
            Err(error) => return (None, vec![error.to_string()]),
        };
        let told = [
            (notes.has_other_aggregates, "other aggregates than in the data format"),
            (notes.has_unknown_names, "names that are not in the data format"),
            (notes.has_fewer_parameters, "fewer parameters than in the data format"),
        ];
        let told = told.into_iter().filter(|(is_so, _)| *is_so).map(|(_, note)| note.to_owned());
        (format.feed(message.feed()), told.collect())
    }
}
