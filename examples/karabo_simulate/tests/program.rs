//! The program, and the trains it makes up. Waiting is bounded, and no time is asserted.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::wildcard_enum_match_arm,
    reason = "a test may panic"
)]

use core::time::Duration;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Command, Stdio};

use karabo_bridge::{Message, Train, Version};
use karabo_simulate::{Field, InThread, Settings, Simulation, Source};
use karabo_zeromq::{Client, ClientSocket, ServerSocket, block_on};

const PATIENCE: Duration = Duration::from_secs(60);
const ANY: &str = "tcp://127.0.0.1:0";
const VERSIONS: [Version; 4] = [Version::V1_0, Version::V2_0, Version::V2_1, Version::V2_2];

/// The running program.
struct Program {
    child: Child,
    stdout: BufReader<ChildStdout>,
    endpoint: String,
}

impl Program {
    fn start(words: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_karabo_simulate"));
        let mut child = command.arg(ANY).args(words).stdout(Stdio::piped()).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let endpoint = line.trim_end().strip_prefix("listening on ").unwrap_or_else(|| panic!("{line:?}")).to_owned();
        Self { child, stdout, endpoint }
    }

    fn end(mut self) -> (String, Option<i32>) {
        let mut out = String::new();
        self.stdout.read_to_string(&mut out).unwrap();
        (out, self.child.wait().unwrap().code())
    }
}

impl Drop for Program {
    /// Also where a test fails.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn receive(endpoint: &str, socket: ClientSocket, count: usize) -> Vec<Train> {
    let mut client = Client::new(endpoint, socket).unwrap().with_timeout(PATIENCE);
    let receive = async {
        let mut trains = Vec::new();
        while trains.len() < count {
            match client.next().await.unwrap().message {
                Ok(Message::Train(train)) => trains.push(train),
                other => panic!("{other:?}"),
            }
        }
        trains
    };
    block_on(receive, Duration::ZERO).unwrap()
}

#[test]
fn as_many_as_wanted_and_the_same_each_time() {
    let words =
        ["--source", "xgm,camera", "--count", "3", "--seed", "9", "--first", "77", "--rate", "0", "--protocol", "2.1"];
    let simulation =
        Simulation { sources: vec![Source::Camera, Source::Xgm], seed: 9, first: 77, rate: 0.0, dummy: false };
    for (word, socket) in [("rep", ClientSocket::Request), ("push", ClientSocket::Pull)] {
        let program = Program::start(&[&words[..], &["--socket", word]].concat());
        let trains = receive(&program.endpoint, socket, 3);
        for (index, train) in (0..).zip(&trains) {
            assert_eq!(train.as_ref().tid(), Some(77 + index));
            let made = simulation.train(index).unwrap().encode(Version::V2_1, None).unwrap();
            assert!(train.parts() == made, "{word} {index}");
        }
        assert_eq!(program.end(), ("3 trains sent, 0 dropped, 0 bad requests\n".into(), Some(0)), "{word}");
    }
}

#[test]
fn seeds_and_numbers_make_trains_differ() {
    let of = |seed, index| {
        let simulation = Simulation { sources: vec![Source::Camera, Source::Xgm], seed, ..Simulation::default() };
        simulation.train(index).unwrap()
    };
    let pixels = |seed, index| {
        let Field::Array(array) = of(seed, index).sources[0].properties[0].1.clone() else { panic!() };
        array.as_ref().to_vec::<u16>().unwrap()
    };
    assert_eq!(pixels(1, 5), pixels(1, 5));
    assert_ne!(pixels(1, 5), pixels(2, 5));
    assert_ne!(pixels(1, 5), pixels(1, 6));
    let (least, most) = (pixels(1, 5).into_iter().min(), pixels(1, 5).into_iter().max());
    assert_eq!((least, most), (Some(90), Some(109)));
}

#[test]
fn shapes_as_the_python_simulation_has_them() {
    // As the Python package has them; LPD, which takes 1.3 GB, is left out.
    for (source, shape, dtype, total) in [
        (Source::AgipdModule, &[128, 512, 64][..], "uint16", 2 * 8_388_608 + 64 * (2 + 8 + 8)),
        (Source::Agipd, &[16, 128, 512, 64], "float32", 268_435_456 + 8_388_608 + 64 * (2 + 8 + 8)),
    ] {
        let train = Simulation { sources: vec![source], ..Simulation::default() }.train(0).unwrap();
        let arrays = train.sources[0].properties.iter().filter_map(|(path, field)| match field {
            Field::Array(array) => Some((*path, array)),
            Field::Value(_) => None,
        });
        let image = arrays.clone().find(|(path, _)| *path == "image.data").unwrap().1;
        assert_eq!((image.shape(), image.dtype().as_ref().name().to_string()), (shape, dtype.to_owned()));
        assert_eq!(arrays.map(|(_, array)| array.data().len()).sum::<usize>(), total);
    }
}

#[test]
fn timestamps_made_up_and_those_of_sending() {
    for version in VERSIONS {
        let simulation = Simulation { sources: vec![Source::Xgm], rate: 4.0, ..Simulation::default() };
        let parts = simulation.train(3).unwrap().encode(version, None).unwrap();
        let Ok(Message::Train(train)) = Message::decode(parts) else { panic!() };
        let metadata = train.indexed().source("SA1_XTD2_XGM/DOOCS/MAIN:output").unwrap().metadata();
        // Midnight, and three quarters of a second.
        let time = metadata.time().unwrap();
        assert_eq!((time.sec, time.frac), (1_692_748_800, 750_000_000_000_000_000), "{version}");
        assert_eq!(metadata.timestamp(), Some(1_692_748_800.75), "{version}");
        assert_eq!(metadata.source(), Some("SA1_XTD2_XGM/DOOCS/MAIN:output"), "{version}");

        let now = Duration::new(1_700_000_000, 500_000_000);
        let simulation = Simulation { dummy: true, ..simulation };
        let parts = simulation.train(3).unwrap().encode(version, Some(now)).unwrap();
        let Ok(Message::Train(train)) = Message::decode(parts) else { panic!() };
        let metadata = train.indexed().source("SA1_XTD2_XGM/DOOCS/MAIN:output").unwrap().metadata();
        let time = metadata.time().unwrap();
        assert_eq!((time.sec, time.frac), (1_700_000_000, 500_000_000_000_000_000), "{version}");
        assert_eq!(metadata.tid(), Some(10_000_000_003), "{version}");
    }
}

#[test]
fn a_bridge_in_a_thread_is_told_to_stop_or_waited_for() {
    let simulation = Simulation { sources: vec![Source::Xgm], rate: 0.0, ..Simulation::default() };
    let settings = Settings::new(ANY.into(), ServerSocket::Reply, Version::V2_2, simulation);
    let bridge = InThread::start(settings.clone()).unwrap();
    assert_eq!(receive(bridge.endpoint(), ClientSocket::Request, 2).len(), 2);
    assert_eq!(bridge.stop().unwrap().sent, 2);

    let bridge = InThread::start(Settings { count: Some(5), ..settings.clone() }).unwrap();
    assert_eq!(receive(bridge.endpoint(), ClientSocket::Request, 5).len(), 5);
    assert_eq!(bridge.wait().unwrap().sent, 5);

    let nowhere = InThread::start(Settings { endpoint: "tcp://nowhere".into(), ..settings });
    assert_eq!(nowhere.unwrap_err().to_string(), "tcp://nowhere: there is no port");
}

#[test]
fn words_that_are_none() {
    for (words, due) in [
        (&["--source", "eiger"][..], "no source \"eiger\": agipd-module, agipd, lpd, camera, xgm"),
        (&["--protocol", "3.0"], "no version \"3.0\": 1.0, 2.0, 2.1, 2.2"),
        (&["--version"], "unknown option --version"),
        (&["--count", "x"], "--count \"x\": not a whole number"),
        (&["--socket", "pub", "--rate", "0"], "pub needs a rate: it waits for nobody"),
        (&["a", "b"], "unknown word b"),
        (&["--seed"], "--seed needs a value"),
    ] {
        let run = Command::new(env!("CARGO_BIN_EXE_karabo_simulate")).args(words).output().unwrap();
        let log = String::from_utf8(run.stderr).unwrap();
        assert_eq!((log.lines().next().unwrap(), run.status.code()), (&*format!("karabo_simulate: {due}"), Some(2)));
    }
}

#[test]
fn help_is_no_complaint() {
    for word in ["--help", "-h"] {
        let run = Command::new(env!("CARGO_BIN_EXE_karabo_simulate")).arg(word).output().unwrap();
        assert_eq!((run.status.code(), &*run.stderr), (Some(0), &b""[..]));
        assert!(run.stdout.starts_with(b"usage: karabo_simulate [ENDPOINT] "));
    }
}
