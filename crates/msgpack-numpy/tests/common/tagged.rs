//! Documents with tagged maps in them, in any form that a reader takes, and what SPEC.md §5 makes of them when they are written again. Both as
//! trees of rmpv's, an independent writer of MessagePack.
#![allow(dead_code, unreachable_pub)]

use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::sample::select;
use rmpv::Value as Peer;

/// As it came, and as it is written again.
#[derive(Clone, Debug)]
pub enum Node {
    Leaf(Peer),
    List(Vec<Self>),
    Map(Vec<(Self, Self)>),
    Tagged { came: Peer, again: Peer },
}

impl Node {
    pub fn came(&self) -> Peer {
        self.tree(&|came, _| came.clone())
    }

    pub fn again(&self) -> Peer {
        self.tree(&|_, again| again.clone())
    }

    fn tree(&self, tagged: &impl Fn(&Peer, &Peer) -> Peer) -> Peer {
        match self {
            Self::Leaf(leaf) => leaf.clone(),
            Self::List(items) => Peer::Array(items.iter().map(|item| item.tree(tagged)).collect()),
            Self::Map(entries) => {
                Peer::Map(entries.iter().map(|(key, value)| (key.tree(tagged), value.tree(tagged))).collect())
            }
            Self::Tagged { came, again } => tagged(came, again),
        }
    }
}

pub fn encoded(document: &Peer) -> Vec<u8> {
    let mut out = Vec::new();
    rmpv::encode::write_value(&mut out, document).unwrap();
    out
}

pub fn leaves() -> impl Strategy<Value = Peer> {
    prop_oneof![
        Just(Peer::Nil),
        any::<bool>().prop_map(Peer::from),
        any::<i64>().prop_map(Peer::from),
        any::<u64>().prop_map(Peer::from),
        (-200_i64..70_000).prop_map(Peer::from),
        any::<f32>().prop_map(Peer::from),
        any::<f64>().prop_map(Peer::from),
        "[a-zé€]{0,40}".prop_map(Peer::from),
        proptest::collection::vec(any::<u8>(), 0..300).prop_map(Peer::from),
        (any::<i8>(), proptest::collection::vec(any::<u8>(), 0..20)).prop_map(|(kind, bytes)| Peer::Ext(kind, bytes)),
    ]
}

/// With tagged maps as items, as values and as keys.
pub fn documents() -> impl Strategy<Value = Node> {
    let leaf = prop_oneof![2 => leaves().prop_map(Node::Leaf), 3 => tagged()];
    leaf.prop_recursive(5, 40, 12, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..12).prop_map(Node::List),
            proptest::collection::vec((inner.clone(), inner), 0..12).prop_map(Node::Map),
        ]
    })
}

/// A dtype without fields: as it may come, as it is written, and bytes of an item.
pub const PLAIN: [(&str, &str, u64); 28] = [
    ("|b1", "|b1", 1),
    ("?", "|b1", 1),
    ("|i1", "|i1", 1),
    ("<i1", "|i1", 1),
    ("u1", "|u1", 1),
    ("<i2", "<i2", 2),
    ("=i2", "<i2", 2),
    ("i4", "<i4", 4),
    (">u8", ">u8", 8),
    ("float16", "<f2", 2),
    ("float32", "<f4", 4),
    ("d", "<f8", 8),
    (">f8", ">f8", 8),
    ("<f16", "<f16", 16),
    ("complex64", "<c8", 8),
    (">c16", ">c16", 16),
    ("<c32", "<c32", 32),
    ("|S1", "|S1", 1),
    ("S5", "|S5", 5),
    ("a3", "|S3", 3),
    ("<U2", "<U2", 8),
    (">U3", ">U3", 12),
    ("<M8[ns]", "<M8[ns]", 8),
    (">M8[25us]", ">M8[25us]", 8),
    ("datetime64[D]", "<M8[D]", 8),
    ("<m8[1s]", "<m8[s]", 8),
    ("<m8", "<m8", 8),
    ("<M8[1000as]", "<M8[1000as]", 8),
];

/// A dtype of a known size.
#[derive(Clone, Debug)]
pub enum DType {
    Plain(&'static str, &'static str, u64),
    Void(u64),
    Fields(Vec<Field>),
}

/// Without a name and of void it is padding.
#[derive(Clone, Debug)]
pub struct Field {
    title: Option<String>,
    name: String,
    dtype: DType,
    shape: Vec<u64>,
    /// Bytes instead of texts, and an integer instead of a list of one axis.
    odd: bool,
}

fn plain() -> impl Strategy<Value = DType> {
    prop_oneof![
        6 => select(&PLAIN[..]).prop_map(|(came, again, size)| DType::Plain(came, again, size)),
        1 => (1_u64..9).prop_map(DType::Void),
    ]
}

fn padding() -> impl Strategy<Value = Field> {
    (1_u64..5, proptest::collection::vec(1_u64..3, 0..2), any::<bool>()).prop_map(|(size, shape, odd)| Field {
        title: None,
        name: String::new(),
        dtype: DType::Void(size),
        shape,
        odd,
    })
}

/// At least one field has a name and bytes, at any place among those that are padding.
fn fields(dtype: impl Strategy<Value = DType> + Clone) -> impl Strategy<Value = DType> {
    let field = |min: u64| {
        let shape = proptest::collection::vec(min..4, 0..3);
        (proptest::option::weighted(0.2, "[a-z]{1,3}"), "[a-zé]{1,40}", dtype.clone(), shape, any::<bool>())
            .prop_map(|(title, name, dtype, shape, odd)| Field { title, name, dtype, shape, odd })
    };
    let others = proptest::collection::vec(prop_oneof![field(0), padding()], 0..5);
    (field(1), others, any::<usize>()).prop_map(|(sure, mut fields, at)| {
        fields.insert(at % (fields.len() + 1), sure);
        DType::Fields(fields)
    })
}

pub fn dtypes() -> impl Strategy<Value = DType> {
    // A dtype of a field may have no fields but padding; alone it is plain.
    let gaps = proptest::collection::vec(padding(), 1..3).prop_map(DType::Fields);
    let leaf = prop_oneof![8 => plain(), 1 => gaps];
    let deep = leaf.prop_recursive(3, 12, 4, |inner| prop_oneof![1 => inner.clone(), 3 => fields(inner)]);
    prop_oneof![2 => plain(), 3 => fields(deep)]
}

impl DType {
    pub fn size(&self) -> u64 {
        match self {
            Self::Plain(_, _, size) | Self::Void(size) => *size,
            Self::Fields(fields) => fields.iter().map(Field::size).sum(),
        }
    }

    /// As the type of an array or of a field.
    pub fn came(&self) -> Peer {
        match self {
            Self::Plain(came, ..) => Peer::from(*came),
            Self::Void(size) => Peer::from(format!("V{size}")),
            Self::Fields(fields) => Peer::Array(fields.iter().map(Field::came).collect()),
        }
    }

    /// As the type of a field or of a scalar.
    pub fn again(&self) -> Peer {
        match self {
            Self::Plain(_, again, _) => Peer::from(*again),
            Self::Void(size) => Peer::from(format!("|V{size}")),
            // Nothing but padding is a void.
            Self::Fields(fields) if fields.iter().all(Field::is_padding) => Peer::from(format!("|V{}", self.size())),
            Self::Fields(fields) => {
                let mut out = Vec::new();
                let mut gap = 0;
                for field in fields {
                    if field.is_padding() {
                        gap += field.size();
                    } else {
                        out.extend(filling(std::mem::take(&mut gap)));
                        out.push(field.again());
                    }
                }
                out.extend(filling(gap));
                Peer::Array(out)
            }
        }
    }

    /// As type and kind of an array.
    fn of_array(&self) -> (Peer, &'static [u8]) {
        match self {
            Self::Plain(..) => (self.again(), b""),
            Self::Void(size) => (Peer::Array(filling(*size).into_iter().collect()), b"V"),
            Self::Fields(_) => (self.again(), b"V"),
        }
    }
}

/// `["", "|V4"]`
fn filling(gap: u64) -> Option<Peer> {
    (gap > 0).then(|| Peer::Array(vec![Peer::from(""), Peer::from(format!("|V{gap}"))]))
}

impl Field {
    fn is_padding(&self) -> bool {
        self.name.is_empty()
    }

    fn size(&self) -> u64 {
        self.dtype.size() * self.shape.iter().product::<u64>()
    }

    fn came(&self) -> Peer {
        let text = |text: &str| if self.odd { Peer::from(text.as_bytes()) } else { Peer::from(text) };
        let name = match &self.title {
            Some(title) => Peer::Array(vec![text(title), text(&self.name)]),
            None => text(&self.name),
        };
        let mut parts = vec![name, self.dtype.came()];
        match self.shape[..] {
            [] => {}
            [one] if self.odd => parts.push(Peer::from(one)),
            _ => parts.push(axes(&self.shape)),
        }
        Peer::Array(parts)
    }

    fn again(&self) -> Peer {
        let name = Peer::from(self.name.as_str());
        let name = match &self.title {
            Some(title) => Peer::Array(vec![Peer::from(title.as_str()), name]),
            None => name,
        };
        let mut parts = vec![name, self.dtype.again()];
        if !self.shape.is_empty() {
            parts.push(axes(&self.shape));
        }
        Peer::Array(parts)
    }
}

fn axes(shape: &[u64]) -> Peer {
    Peer::Array(shape.iter().map(|axis| Peer::from(*axis)).collect())
}

/// Small ones, of any number of axes.
fn shapes() -> impl Strategy<Value = Vec<u64>> {
    prop_oneof![
        5 => proptest::collection::vec(0_u64..4, 0..4),
        1 => proptest::collection::vec(1_u64..2, 5..65),
        1 => (0_u64..u64::MAX).prop_map(|axis| vec![axis, 0]),
    ]
}

/// How a map may come: keys as texts, another order, and with others among them.
#[derive(Clone, Debug)]
struct Manner {
    texts: u8,
    turn: usize,
    backwards: bool,
    more: Option<(Peer, usize)>,
    data_as_text: bool,
}

fn manners() -> impl Strategy<Value = Manner> {
    let more = (prop_oneof![Just(Peer::from("more")), Just(Peer::from(7)), Just(Peer::Nil)], any::<usize>());
    let more = prop_oneof![2 => Just(None), 1 => more.prop_map(Some)];
    (any::<u8>(), any::<usize>(), any::<bool>(), more, any::<bool>())
        .prop_map(|(texts, turn, backwards, more, data_as_text)| Manner { texts, turn, backwards, more, data_as_text })
}

impl Manner {
    fn map(&self, fields: Vec<(&'static str, Peer)>) -> Peer {
        let key = |(index, (key, value)): (usize, (&'static str, Peer))| {
            let text = self.texts >> (index % 8) & 1 == 1;
            (if text { Peer::from(key) } else { Peer::from(key.as_bytes()) }, value)
        };
        let mut entries: Vec<_> = fields.into_iter().enumerate().map(key).collect();
        let turn = self.turn % entries.len();
        entries.rotate_left(turn);
        if self.backwards {
            entries.reverse();
        }
        if let Some((key, at)) = &self.more {
            let nested = Peer::Map(vec![(Peer::from("nd"), Peer::from(true))]);
            entries.insert(at % (entries.len() + 1), (key.clone(), nested));
        }
        Peer::Map(entries)
    }

    fn data(&self, data: &[u8]) -> Peer {
        match std::str::from_utf8(data) {
            Ok(text) if self.data_as_text => Peer::from(text),
            _ => Peer::from(data),
        }
    }
}

/// As msgpack-numpy writes it.
fn canonical(fields: Vec<(&'static str, Peer)>) -> Peer {
    Peer::Map(fields.into_iter().map(|(key, value)| (Peer::from(key.as_bytes()), value)).collect())
}

fn canonical_array(dtype: Peer, kind: &[u8], shape: &[u64], data: &[u8]) -> Peer {
    canonical(vec![
        ("nd", Peer::from(true)),
        ("type", dtype),
        ("kind", Peer::from(kind)),
        ("shape", axes(shape)),
        ("data", Peer::from(data)),
    ])
}

fn bytes(len: u64, seed: u8) -> Vec<u8> {
    // Texts that are UTF-8 by turns.
    (0..len)
        .map(|index| (index as u8).wrapping_mul(31).wrapping_add(seed) & if seed % 2 == 0 { 0x7f } else { 0xff })
        .collect()
}

fn arrays() -> impl Strategy<Value = Node> {
    (dtypes(), shapes(), manners(), any::<u8>(), any::<bool>(), any::<bool>()).prop_map(
        |(dtype, mut shape, manner, seed, masked, bare)| {
            // No items where they would be too many bytes for a test.
            if !shape.contains(&0) && shape.iter().product::<u64>() * dtype.size() > 20_000 {
                shape = vec![0, 3];
            }
            let items = if shape.contains(&0) { 0 } else { shape.iter().product() };
            let data = bytes(items * dtype.size(), seed);
            let (again, kind) = dtype.of_array();
            let again = canonical_array(again, kind, &shape, &data);
            let came_kind: &[u8] = if matches!(dtype, DType::Fields(_)) && seed % 3 > 0 { b"V" } else { b"" };
            let mut fields = vec![("nd", Peer::from(true)), ("type", dtype.came()), ("shape", axes(&shape))];
            if !came_kind.is_empty() || !bare {
                fields.push(("kind", if seed % 5 == 0 { manner.data(came_kind) } else { Peer::from(came_kind) }));
            }
            fields.push(("data", if masked && seed % 4 == 0 { again.clone() } else { manner.data(&data) }));
            Node::Tagged { came: manner.map(fields), again }
        },
    )
}

/// Types that are no dtype, and kinds that mean nothing.
fn opaque() -> impl Strategy<Value = Node> {
    let object_field = Peer::Array(vec![Peer::Array(vec![Peer::from("a"), Peer::from("|O")])]);
    let types = vec![
        Peer::from("bogus"),
        Peer::from(""),
        Peer::from("|i2"),
        Peer::from("<i3"),
        Peer::from("|O"),
        Peer::from("i4,f8"),
        Peer::from(&b"\xff\xfe"[..]),
        Peer::Nil,
        Peer::from(-70_000),
        Peer::from(2.5),
        Peer::Map(vec![(Peer::from("names"), Peer::Array(vec![Peer::from("a")]))]),
        Peer::Array(vec![Peer::from("a"), Peer::from("<i4")]),
        object_field,
        Peer::Ext(-3, vec![1, 2, 3]),
    ];
    let kinds = select(vec![&b""[..], b"V", b"x", b"VV", b"\xff", b"a longer kind than any"]);
    let data = proptest::collection::vec(any::<u8>(), 0..40);
    // A known text is opaque under any kind but its own.
    let known = (select(vec![Peer::from("<i4"), Peer::from("|V4")]), select(vec![&b"V"[..], b"x"]));
    let all = prop_oneof![4 => (select(types), kinds), 1 => known];
    (all, shapes(), data, manners()).prop_map(|((dtype, kind), shape, data, manner)| {
        let fields = vec![
            ("nd", Peer::from(true)),
            ("data", manner.data(&data)),
            ("kind", manner.data(kind)),
            ("shape", axes(&shape)),
            ("type", dtype.clone()),
        ];
        Node::Tagged { came: manner.map(fields), again: canonical_array(dtype, kind, &shape, &data) }
    })
}

fn pickles() -> impl Strategy<Value = Node> {
    let objects = Peer::Array(vec![Peer::Array(vec![Peer::from(""), Peer::from("|O")])]);
    let types = select(vec![objects, Peer::from("|O"), Peer::Nil, Peer::from("<i4")]);
    (types, shapes(), proptest::collection::vec(any::<u8>(), 0..40), manners()).prop_map(
        |(dtype, shape, pickle, manner)| {
            let fields = vec![
                ("type", dtype.clone()),
                ("shape", axes(&shape)),
                ("nd", Peer::from(true)),
                ("kind", manner.data(b"O")),
                ("data", manner.data(&pickle)),
            ];
            Node::Tagged { came: manner.map(fields), again: canonical_array(dtype, b"O", &shape, &pickle) }
        },
    )
}

fn scalars() -> impl Strategy<Value = Node> {
    (dtypes(), manners(), any::<u8>()).prop_map(|(dtype, manner, seed)| {
        let data = bytes(dtype.size(), seed);
        let mut fields = vec![("nd", Peer::from(false)), ("type", dtype.came()), ("data", manner.data(&data))];
        if seed % 3 == 0 {
            // Of an array only.
            fields.push(("shape", Peer::from("any")));
        }
        let again = vec![("nd", Peer::from(false)), ("type", dtype.again()), ("data", Peer::from(&data[..]))];
        Node::Tagged { came: manner.map(fields), again: canonical(again) }
    })
}

/// Texts that Python reads, and its `repr` of them.
pub const COMPLEX: [(&str, &str); 16] = [
    ("(1+2j)", "(1+2j)"),
    ("1+2J", "(1+2j)"),
    ("  ( -1.50-0.25j )  ", "(-1.5-0.25j)"),
    ("j", "1j"),
    ("-j", "-1j"),
    ("3.5", "(3.5+0j)"),
    ("0", "0j"),
    ("-0", "(-0+0j)"),
    ("-0j", "-0j"),
    ("(-0-0j)", "(-0-0j)"),
    ("nan+infj", "(nan+infj)"),
    ("-Infinity-NANj", "(-inf+nanj)"),
    ("1e16+1e15j", "(1e+16+1000000000000000j)"),
    ("0.0001+0.00001j", "(0.0001+1e-05j)"),
    ("1e300-1E-300j", "(1e+300-1e-300j)"),
    (".5+5.j", "(0.5+5j)"),
];

fn complexes() -> impl Strategy<Value = Node> {
    (select(&COMPLEX[..]), manners()).prop_map(|((came, again), manner)| {
        let fields = vec![("complex", Peer::from(true)), ("data", manner.data(came.as_bytes()))];
        let again = vec![("complex", Peer::from(true)), ("data", Peer::from(again))];
        Node::Tagged { came: manner.map(fields), again: canonical(again) }
    })
}

/// Tagged maps with faults, and maps that only look like tagged ones: written as they came.
fn as_they_came() -> impl Strategy<Value = Node> {
    // A field, and its value instead of the right one; none at all if it is lacking.
    let cases = vec![
        ("data", Some(Peer::from(&b"abc"[..]))),
        ("data", Some(Peer::Nil)),
        ("data", Some(Peer::Array(vec![]))),
        ("data", None),
        ("shape", Some(Peer::from(2))),
        ("shape", Some(axes(&[1; 65]))),
        ("shape", Some(axes(&[u64::MAX, 2]))),
        ("shape", Some(Peer::Array(vec![Peer::from(-1)]))),
        ("shape", None),
        ("type", Some(Peer::from("|V0"))),
        ("type", Some(Peer::Array(vec![]))),
        ("type", None),
        ("kind", Some(Peer::from(1))),
        ("nd", Some(Peer::from(1))),
        ("nd", Some(Peer::Nil)),
        ("nd", None),
        ("data again", Some(Peer::from(&b"abcd"[..]))),
    ];
    (select(cases), manners()).prop_map(|((field, value), manner)| {
        let mut fields = vec![
            ("nd", Peer::from(true)),
            ("type", Peer::from("<i2")),
            ("kind", Peer::from(&b""[..])),
            ("shape", axes(&[2])),
            ("data", Peer::from(&b"abcd"[..])),
        ];
        fields.retain(|(name, _)| *name != field);
        let name = if field == "data again" { "data" } else { field };
        fields.extend(value.map(|value| (name, value)));
        let came = manner.map(fields);
        Node::Tagged { again: came.clone(), came }
    })
}

pub fn tagged() -> impl Strategy<Value = Node> {
    prop_oneof![
        6 => arrays(),
        2 => opaque(),
        1 => pickles(),
        3 => scalars(),
        1 => complexes(),
        2 => as_they_came(),
    ]
}
