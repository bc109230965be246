//! The Karabo bridge: messages of a capture, each part behind a frame header of ZMTP.

mod fields;
mod notes;
mod scan;
mod told;

use alloc::collections::VecDeque;
use alloc::rc::Rc;

use karabo_bridge::{Limits, MessageRef, TrainIndex};

use self::fields::Shown;
use self::notes::Notes;
use self::scan::{Found, Scan};
use self::told::Told;
use crate::dissect::{Capture, Dissect, Fault, FieldIter, Frame, Input, Protocol, Step};

pub(crate) const PROTOCOL: Protocol = Protocol {
    name: "karabo",
    about: "captured messages of a Karabo bridge: trains of any version",
    dialects: &[],
    messages: &[],
    check_format: None,
    captures: &[Capture {
        file: "karabo-trains.zmtp",
        about: "trains by the Python package karabo-bridge 0.7.0 and by a camera of 2018, and an error reply",
        bytes: include_bytes!("../../../captures/karabo-trains.zmtp"),
        ..Capture::PLAIN
    }],
    open: |options| {
        Box::new(Messages { scan: Scan::new(options.max_len), index: TrainIndex::new(), faults: VecDeque::new() })
    },
};

struct Messages {
    scan: Scan,
    index: TrainIndex,
    /// Of the message that was just told.
    faults: VecDeque<Told>,
}

impl Dissect for Messages {
    fn step<'a>(&mut self, input: Input<'a>) -> Step<'a> {
        if let Some(told) = self.faults.pop_front() {
            return Step::Fault(told.fault());
        }
        match self.scan.step(input.bytes, input.ended) {
            Found::Message(len) => self.message(len, input),
            Found::Nothing => Step::More,
            Found::Skip(len) => Step::Skip(len),
            Found::Wrong(wrong) => {
                let shown = Shown::torn(self.scan.take(), wrong.at, input);
                let fault = Fault::new(wrong.kind, input.at(wrong.at), "frame", wrong.message);
                let fields = Box::new(move || -> FieldIter<'a> { Box::new(shown.clone().fields()) });
                Step::Fault(Fault { resume: wrong.resume, fields, ..fault })
            }
        }
    }
}

impl Messages {
    /// The message that the first bytes of the input are.
    fn message<'a>(&mut self, len: usize, input: Input<'a>) -> Step<'a> {
        let places: Rc<[_]> = self.scan.take().into();
        let parts: Vec<&'a [u8]> = places.iter().map(|place| place.of(input.bytes)).collect();
        let decoded = MessageRef::decode_with(&parts, &Limits::DEFAULT);
        let (notes, summary) = match decoded {
            Ok(MessageRef::Train(train)) => {
                let indexed = self.index.build(train);
                self.faults = Told::all(indexed.errors(), &places, input.offset);
                (Notes::of(&indexed), notes::summary(&indexed))
            }
            Ok(MessageRef::Error(_)) => (Notes::default(), "error reply".to_owned()),
            // The enum may grow.
            Ok(_) => (Notes::default(), format!("{} parts", parts.len())),
            Err(_) => (Notes::default(), String::new()),
        };
        let shown = Shown::whole(places.clone(), notes, input);
        if let Err(error) = decoded {
            let fields = Box::new(move || -> FieldIter<'a> { Box::new(shown.clone().fields()) });
            let fault = Told::new(&error, &places, input.offset).fault();
            return Step::Fault(Fault { resume: Some(len as u64), fields, ..fault });
        }
        self.faults.extend(shown.faulty_values());
        let fields = Box::new(move || -> FieldIter<'a> { Box::new(shown.clone().fields()) });
        Step::Frame(Frame { len, summary, fields })
    }
}
