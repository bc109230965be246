use thingsdb_wire::legacy::{AnswerRef, Blobs, Data, EventRef, Job, RequestRef, Special, State, ValuesRef};
use thingsdb_wire::siridb::{self, Request};
use thingsdb_wire::{Body, BodyError, PackageRef};

/// Data of a package with any TYPE, read as what each side of `legacy` in its three states and of `siridb` may have sent.
pub fn legacy(input: &[u8]) {
    let [kind, data @ ..] = input else { return };
    let package = PackageRef { id: 700, kind: *kind, data };
    for state in [State::S1, State::S2, State::September] {
        match RequestRef::decode(package, state) {
            Ok(request) => {
                assert_eq!(request.kind().0, *kind);
                let body = request.to_body(state).expect("below the limit");
                let again = RequestRef::decode(sent(&body), state).expect("what was written is read");
                assert_eq!(again.to_body(state), Ok(body.clone()));
                of_request(request, again);
            }
            Err(error) => told(error, package),
        }
        match AnswerRef::decode(package, state) {
            Ok(answer) => {
                assert_eq!(answer.kind().0, *kind);
                let body = answer.to_body().expect("below the limit");
                assert_eq!(AnswerRef::decode(sent(&body), state), Ok(answer));
            }
            Err(error) => told(error, package),
        }
    }
    match EventRef::decode(package) {
        Ok(event) => {
            assert_eq!(event.kind().0, *kind);
            let body = event.to_body().expect("below the limit");
            let again = EventRef::decode(sent(&body)).expect("what was written is read");
            assert_eq!(again.to_body(), Ok(body.clone()));
            of_event(event, again);
        }
        Err(error) => told(error, package),
    }
    of_siridb(package);
    match Data::of(package).value() {
        Ok(value) => {
            let _ = (Special::of(value), Job::of(value));
        }
        Err(error) => told(error, package),
    }
    match Data::of(package).payload::<serde::de::IgnoredAny>() {
        Ok(_) => assert!(Data::of(package).value().is_ok()),
        Err(error) => assert!(error.offset().is_none_or(|offset| offset as usize <= data.len()), "{error}"),
    }
}

fn sent(body: &Body) -> PackageRef<'_> {
    PackageRef { id: 700, kind: body.kind, data: &body.data }
}

/// An error is of this package, and in it.
fn told(error: BodyError, package: PackageRef<'_>) {
    assert_eq!((error.package_id(), error.package_kind()), (package.id, package.kind));
    assert!(error.offset() as usize <= package.data.len(), "{error}");
}

/// Values are written in their shortest form, so that their bytes may differ.
fn of_request(request: RequestRef<'_>, again: RequestRef<'_>) {
    let without_values = |request| match request {
        RequestRef::Run { target, procedure, args } => {
            (RequestRef::Run { target, procedure, args: ValuesRef::EMPTY }, args)
        }
        request => (request, ValuesRef::EMPTY),
    };
    let ((request, args), (again, args_again)) = (without_values(request), without_values(again));
    assert_eq!(request, again);
    same(args, args_again);
    if let RequestRef::QueryScope { blobs, .. } | RequestRef::Query { blobs, .. } = request {
        assert_eq!(blobs.iter().count(), blobs.len());
        let owned: Vec<&[u8]> = blobs.iter().collect();
        assert_eq!(Blobs::new(&owned), blobs);
    }
}

fn of_event(event: EventRef<'_>, again: EventRef<'_>) {
    match (event, again) {
        (
            EventRef::WatchUpd { id, event, jobs },
            EventRef::WatchUpd { id: id_again, event: event_again, jobs: again },
        ) => {
            assert_eq!((id, event), (id_again, event_again));
            same(jobs, again);
            for (job, again) in jobs.iter().map(Job::of).zip(again.iter().map(Job::of)) {
                assert_eq!(std::mem::discriminant(&job), std::mem::discriminant(&again));
            }
        }
        (EventRef::WatchIni { event, thing }, EventRef::WatchIni { event: event_again, thing: again }) => {
            assert_eq!((event, thing.id()), (event_again, again.id()));
            assert_eq!(thing.properties().count(), again.properties().count());
        }
        (event, again) => assert_eq!(event, again),
    }
}

fn same(values: ValuesRef<'_>, again: ValuesRef<'_>) {
    assert_eq!((values.len(), values.iter().count()), (again.len(), again.iter().count()));
    for (value, again) in values.into_iter().zip(again) {
        assert_eq!(format!("{value:?}"), format!("{again:?}"));
    }
}

fn of_siridb(package: PackageRef<'_>) {
    match siridb::RequestRef::decode(package) {
        Ok(request) => {
            assert_eq!(request.kind().0, package.kind);
            let body = request.to_body().expect("below the limit");
            let again = siridb::RequestRef::decode(sent(&body)).expect("what was written is read");
            assert_eq!(again.to_body(), Ok(body.clone()));
            match (request, again) {
                (siridb::RequestRef::Service(first), siridb::RequestRef::Service(second)) => {
                    assert_eq!(
                        (first.user, first.password, first.request),
                        (second.user, second.password, second.request)
                    );
                }
                (request, again) => assert_eq!(request, again),
            }
            let has_secrets = matches!(Request(package.kind), Request::AUTH | Request::SERVICE);
            assert!(!has_secrets || format!("{request:?}").len() < 40);
        }
        Err(error) => told(error, package),
    }
    match siridb::AnswerRef::decode(package) {
        Ok(answer) => {
            assert_eq!(answer.kind().0, package.kind);
            let body = answer.to_body().expect("below the limit");
            assert_eq!(siridb::AnswerRef::decode(sent(&body)), Ok(answer));
        }
        Err(error) => told(error, package),
    }
}
