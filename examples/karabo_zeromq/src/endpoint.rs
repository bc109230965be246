//! Where sockets are.

use crate::Error;

/// An endpoint that the transport can be given: it knows `tcp` and `ipc`, and not the `*` of other implementations.
pub(crate) fn checked(endpoint: &str, binds: bool) -> Result<String, Error> {
    let wrong = |what: &str| Err(Error::Endpoint(format!("{endpoint:?}: {what}")));
    if let Some(path) = endpoint.strip_prefix("ipc://") {
        return match path {
            "" | "*" => wrong("which path?"),
            _ => Ok(endpoint.to_owned()),
        };
    }
    let Some(place) = endpoint.strip_prefix("tcp://") else {
        return wrong("an endpoint is tcp://HOST:PORT or ipc://PATH");
    };
    let Some((host, port)) = place.rsplit_once(':') else { return wrong("there is no port") };
    let port = match port.parse::<u16>() {
        Ok(port) => port,
        Err(_) if port == "*" && binds => 0,
        Err(_) => return wrong("not a port"),
    };
    match host {
        "" => wrong("there is no host"),
        "*" if binds => Ok(format!("tcp://0.0.0.0:{port}")),
        "*" => wrong("which host?"),
        _ if port == 0 && !binds => wrong("not a port"),
        _ => Ok(format!("tcp://{host}:{port}")),
    }
}

/// Removes what a server that ended left in the file system: the transport does not, and then cannot bind.
#[cfg(unix)]
pub(crate) fn remove_stale(endpoint: &str) {
    use std::os::unix::fs::FileTypeExt;
    use std::os::unix::net::UnixStream;

    let Some(path) = endpoint.strip_prefix("ipc://") else { return };
    let is_socket = std::fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket());
    let refused = |error: std::io::Error| error.kind() == std::io::ErrorKind::ConnectionRefused;
    if is_socket && UnixStream::connect(path).is_err_and(refused) {
        let _ = std::fs::remove_file(path);
    }
}

#[cfg(not(unix))]
pub(crate) fn remove_stale(_: &str) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_are_for_servers() {
        assert_eq!(checked("tcp://*:4545", true).unwrap(), "tcp://0.0.0.0:4545");
        assert_eq!(checked("tcp://127.0.0.1:*", true).unwrap(), "tcp://127.0.0.1:0");
        assert_eq!(checked("tcp://[::1]:0", true).unwrap(), "tcp://[::1]:0");
        assert_eq!(checked("ipc:///tmp/a", false).unwrap(), "ipc:///tmp/a");
        for bad in
            ["tcp://*:4545", "tcp://a:0", "tcp://a", "tcp://:1", "tcp://a:65536", "inproc://a", "ipc://", "ipc://*", ""]
        {
            assert!(matches!(checked(bad, false), Err(Error::Endpoint(_))), "{bad}");
        }
    }
}
