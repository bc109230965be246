use thingsdb_wire::module::{FromModule, ToModule};
use thingsdb_wire::msgpack::{Data, Reader, Token, ValueRef, ValuesBuf, ValuesRef};
use thingsdb_wire::v1::{AnswerRef, EventRef, ExtRef, RequestRef, Room, Scope};
use thingsdb_wire::{Body, BodyError, BodyErrorKind, PackageRef};

/// Data of a package with any TYPE, read as what each side of `v1` and `module` may have sent, and as one value.
pub fn v1(input: &[u8]) {
    let [kind, data @ ..] = input else { return };
    let package = PackageRef { id: 700, kind: *kind, data };
    match RequestRef::decode(package) {
        Ok(request) => {
            let body = request.to_body().expect("below the limit");
            assert_eq!(RequestRef::decode(sent(&body)), Ok(request));
            assert_eq!(request.kind().0, *kind);
            of_request(request);
        }
        Err(error) => told(error, package),
    }
    match AnswerRef::decode(package) {
        Ok(answer) => {
            let body = answer.to_body().expect("below the limit");
            assert_eq!(AnswerRef::decode(sent(&body)), Ok(answer));
            assert_eq!(answer.kind().0, *kind);
        }
        Err(error) => told(error, package),
    }
    match EventRef::decode(package) {
        Ok(event) => {
            let body = event.to_body().expect("below the limit");
            assert_eq!(EventRef::decode(sent(&body)), Ok(event));
            assert_eq!(event.kind().0, *kind);
            if let EventRef::RoomEmit { args, .. } = event {
                values(args);
            }
        }
        Err(error) => told(error, package),
    }
    match FromModule::decode(package) {
        Ok(said) => {
            let body = said.to_body().expect("below the limit");
            assert_eq!(FromModule::decode(sent(&body)), Ok(said));
            assert_eq!(said.kind().0, *kind);
        }
        Err(error) => told(error, package),
    }
    let asked = ToModule::from(package);
    let body = asked.to_body().expect("below the limit");
    assert_eq!((ToModule::from(sent(&body)), body.kind, &body.data[..]), (asked, *kind, data));

    one_value(package);
}

fn sent(body: &Body) -> PackageRef<'_> {
    PackageRef { id: 700, kind: body.kind, data: &body.data }
}

/// An error is of this package, and in it.
fn told(error: BodyError, package: PackageRef<'_>) {
    assert_eq!((error.package_id(), error.package_kind()), (package.id, package.kind));
    let (offset, len) = (error.offset() as usize, package.data.len());
    assert!(offset <= len, "{error}");
    match error.kind() {
        BodyErrorKind::UnexpectedEnd => assert_eq!(offset, len, "{error}"),
        BodyErrorKind::InvalidTag => assert_eq!(package.data[offset], 0xc1, "{error}"),
        BodyErrorKind::MissingField => assert_eq!(offset, 0, "{error}"),
        // Where its second value is due, even if there is none.
        BodyErrorKind::DuplicateField => {}
        _ => assert!(offset < len, "{error}"),
    }
    assert_eq!(error.excerpt(package.data), &package.data[offset..len.min(offset + 16)]);
}

fn of_request(request: RequestRef<'_>) {
    match request {
        RequestRef::Query { scope, variables, .. } => {
            of_scope(scope);
            assert!(variables.is_none_or(ValueRef::is_map));
        }
        RequestRef::Run { scope, .. } => of_scope(scope),
        RequestRef::Join { scope, rooms } | RequestRef::Leave { scope, rooms } => {
            of_scope(scope);
            values(rooms);
            assert_eq!(rooms.rooms().count(), rooms.len());
            // Canonical where the peer's were not.
            let written = Room::values(rooms.rooms());
            assert!(written.as_ref().rooms().eq(rooms.rooms()));
        }
        RequestRef::Emit { scope, args, .. } | RequestRef::EmitPeer { scope, args, .. } => {
            of_scope(scope);
            values(args);
        }
        _ => {}
    }
}

fn of_scope(text: &str) {
    if let Ok(scope) = Scope::parse(text) {
        let long = scope.to_string();
        assert_eq!(Scope::parse(&long), Ok(scope));
        assert_eq!(Scope::parse(&long.replacen('@', "/", 1).replace(':', "/")), Ok(scope));
    }
}

fn values(values: ValuesRef<'_>) {
    assert_eq!(values.iter().count(), values.len());
    assert!(values.iter().flat_map(|value| value.as_bytes()).eq(values.as_bytes()));
    let mut copied = ValuesBuf::new();
    for value in values {
        assert_eq!(ValueRef::decode(value.as_bytes()), Ok(value));
        if let Some(ext) = ExtRef::of(value) {
            let mut written = ValuesBuf::new();
            written.push_ext(ext);
            assert_eq!(written.as_ref().iter().next().and_then(ExtRef::of), Some(ext));
        }
        copied.push(value);
    }
    assert_eq!(copied.as_ref(), values);
    assert!(ValueRef::decode(copied.to_array().as_bytes()).is_ok_and(ValueRef::is_array));
}

/// `rmpv` reads the same, or nothing.
fn one_value(package: PackageRef<'_>) {
    let data = package.data;
    let mut rest = data;
    let oracle = rmpv::decode::read_value_ref(&mut rest);
    let too_deep = matches!(oracle, Err(rmpv::decode::Error::DepthLimitExceeded));
    let mut reader = Reader::new(data);
    let passed = reader.skip();
    match ValueRef::decode(data) {
        Ok(value) => {
            assert_eq!((passed, reader.position(), value.as_bytes()), (Ok(()), data.len(), data));
            assert_eq!(Data::of(package).value(), Ok(value));
            if !too_deep {
                let oracle = oracle.expect("a value");
                assert!(rest.is_empty());
                let mut reader = value.reader();
                same(&mut reader, &oracle);
                reader.finish().expect("no token is left");
            }
        }
        Err(error) => {
            told(Data::of(package).value().expect_err("as the bare data"), package);
            match error.kind() {
                BodyErrorKind::TrailingBytes => {
                    assert!(passed.is_ok() && reader.rest().len() == data.len() - error.offset() as usize);
                    assert!(too_deep || rest == reader.rest());
                }
                BodyErrorKind::UnexpectedEnd => assert!(oracle.is_err()),
                // The oracle takes c1 for nil.
                kind => assert_eq!(kind, BodyErrorKind::InvalidTag),
            }
        }
    }
    match Data::of(package).payload::<serde::de::IgnoredAny>() {
        Ok(_) => assert!(Data::of(package).value().is_ok()),
        Err(error) => assert!(error.offset().is_none_or(|offset| offset as usize <= data.len()), "{error}"),
    }
    let mut rooms = 0;
    match Data::of(package).room_ids(|_| rooms += 1) {
        Ok(()) => assert!(ValueRef::decode(data).is_ok_and(ValueRef::is_array)),
        Err(error) => told(error, package),
    }
    assert!(rooms <= data.len());
}

fn same(reader: &mut Reader<'_>, oracle: &rmpv::ValueRef<'_>) {
    let token = reader.token().expect("it was walked before");
    match (token, oracle) {
        (Token::Nil, rmpv::ValueRef::Nil) => {}
        (Token::Bool(ours), rmpv::ValueRef::Boolean(theirs)) => assert_eq!(ours, *theirs),
        (Token::Int(ours), rmpv::ValueRef::Integer(theirs)) => assert_eq!(Some(ours), theirs.as_i64()),
        (Token::UInt(ours), rmpv::ValueRef::Integer(theirs)) => {
            assert_eq!((Some(ours), None), (theirs.as_u64(), theirs.as_i64()));
        }
        (Token::F32(ours), rmpv::ValueRef::F32(theirs)) => assert_eq!(ours.to_bits(), theirs.to_bits()),
        (Token::F64(ours), rmpv::ValueRef::F64(theirs)) => assert_eq!(ours.to_bits(), theirs.to_bits()),
        (Token::Str(ours), rmpv::ValueRef::String(theirs)) => {
            assert_eq!((ours, token.as_str()), (theirs.as_bytes(), theirs.as_str()));
        }
        (Token::Bin(ours), rmpv::ValueRef::Binary(theirs)) => assert_eq!(ours, *theirs),
        (Token::Ext(kind, ours), rmpv::ValueRef::Ext(their_kind, theirs)) => {
            assert_eq!((kind, ours), (*their_kind, *theirs));
        }
        (Token::Array(len), rmpv::ValueRef::Array(items)) => {
            assert_eq!(len as usize, items.len());
            items.iter().for_each(|item| same(reader, item));
        }
        (Token::Map(len), rmpv::ValueRef::Map(entries)) => {
            assert_eq!(len as usize, entries.len());
            for (key, value) in entries {
                same(reader, key);
                same(reader, value);
            }
        }
        (ours, theirs) => panic!("{ours:?} is {theirs:?}"),
    }
}
