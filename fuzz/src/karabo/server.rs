use std::collections::VecDeque;

use karabo_bridge::{Answer, Limits, PeerError, ReplyServer};

use super::Script;

/// A server by the table of SPEC.md §6.
struct Model {
    trains: VecDeque<u32>,
    /// What the one who asks is to be told; the empty text for a train.
    asked: Option<Vec<u8>>,
    /// Trains that somebody has now: sent, thrown out by others, or refused.
    gone: Vec<u32>,
    /// Trains that are to be given back.
    held: Vec<u32>,
    made: u32,
}

/// No train is lost or sent twice, each request has one answer, and no more is held than is allowed.
pub fn server(data: &[u8]) {
    let [settings, script @ ..] = data else { return };
    let (max_trains, max_echo) =
        ([10, 0, 1, 3][usize::from(settings & 3)], [4096, 0, 1, 5][usize::from(settings >> 2 & 3)]);
    let mut server =
        ReplyServer::new().with_limits(Limits::DEFAULT.with_max_trains(max_trains).with_max_echo(max_echo));
    let mut model = Model { trains: VecDeque::new(), asked: None, gone: Vec::new(), held: Vec::new(), made: 0 };
    let mut script = Script(script);
    let mut given_back = 0;
    while !script.0.is_empty() {
        match script.byte() % 8 {
            0 | 1 => {
                let train = model.make();
                let is_full = model.trains.len() >= max_trains as usize;
                assert_eq!(server.offer(train), if is_full { Err(train) } else { Ok(()) });
                if is_full { model.gone.push(train) } else { model.trains.push_back(train) }
            }
            2 => {
                let train = model.make();
                let is_full = model.trains.len() >= max_trains as usize;
                let out = server.force(train);
                model.trains.push_back(train);
                // Those that were given back stay above the limit, one for one.
                assert_eq!(out, if is_full { model.trains.pop_front() } else { None });
                model.gone.extend(out);
            }
            3 | 4 => request(&mut server, &mut model, &mut script, max_echo),
            5 | 6 => {
                let answer = server.poll_transmit();
                let due = match model.asked.take() {
                    None => None,
                    Some(text) if text.is_empty() => {
                        let train = model.trains.pop_front();
                        if train.is_none() {
                            model.asked = Some(Vec::new());
                        }
                        train.map(Answer::Train)
                    }
                    Some(text) => Some(Answer::Error(text)),
                };
                assert_eq!(answer, due);
                match answer {
                    // It cannot be sent, as turns out later.
                    Some(Answer::Train(train)) if script.byte() > 200 => model.held.push(train),
                    Some(Answer::Train(train)) => model.gone.push(train),
                    Some(Answer::Error(text)) => assert!(text.len() <= 40 + max_echo as usize),
                    None => {}
                }
            }
            7 if !model.held.is_empty() => {
                let train = model.held.remove(0);
                server.give_back(train);
                model.trains.push_front(train);
                given_back += 1;
            }
            _ => {
                server.handle_eof();
                model.asked = None;
            }
        }
        assert_eq!((server.waiting(), server.is_asked()), (model.trains.len(), model.asked.is_some()));
        assert!(server.waiting() <= max_trains as usize + given_back);
    }
    let mut all: Vec<_> = model.gone.iter().chain(&model.held).chain(&model.trains).copied().collect();
    all.sort_unstable();
    assert!(all.into_iter().eq(0..model.made), "a train is lost, or there twice");
}

impl Model {
    fn make(&mut self) -> u32 {
        self.made += 1;
        self.made - 1
    }
}

fn request(server: &mut ReplyServer<u32>, model: &mut Model, script: &mut Script<'_>, max_echo: u32) {
    let parts: Vec<Vec<u8>> = match script.byte() {
        ..150 => vec![b"next".to_vec()],
        150..170 => vec![b"next ".to_vec()],
        170..180 => vec![Vec::new()],
        180..190 => vec![b"next".to_vec(); 2],
        190..200 => Vec::new(),
        200..210 => vec![vec![b'x'; 10_000]],
        _ => vec![script.bytes().to_vec()],
    };
    let answered = server.handle_message(&parts);
    if model.asked.is_some() {
        assert_eq!(answered, Err(PeerError::Unanswered));
        return;
    }
    assert_eq!(answered, Ok(()));
    model.asked = Some(match &parts[..] {
        [part] if part == b"next" => Vec::new(),
        [part] => {
            let repeated = &part[..part.len().min(max_echo as usize)];
            [&b"Error: bad request "[..], repeated].concat()
        }
        parts => format!("Error: bad request of {} parts", parts.len()).into_bytes(),
    });
}
