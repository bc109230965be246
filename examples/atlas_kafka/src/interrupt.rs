//! Ctrl-C.

use core::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::thread;

/// Sets a flag when the program is asked to end, by Ctrl-C or, elsewhere than on Windows, SIGTERM. Who asks twice does not want to wait: the program ends.
pub fn watch() -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&stop);
    // Without it the system ends the program, at once.
    thread::spawn(move || {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
        runtime.block_on(async {
            #[cfg(unix)]
            {
                let asked = Arc::clone(&asked);
                runtime.spawn(async move {
                    let kind = tokio::signal::unix::SignalKind::terminate();
                    let Ok(mut signal) = tokio::signal::unix::signal(kind) else { return };
                    while signal.recv().await.is_some() {
                        ask(&asked);
                    }
                });
            }
            while tokio::signal::ctrl_c().await.is_ok() {
                ask(&asked);
            }
        });
    });
    stop
}

fn ask(stop: &AtomicBool) {
    if stop.swap(true, Ordering::Relaxed) {
        std::process::exit(130);
    }
}
