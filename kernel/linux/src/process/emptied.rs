//! Nothing of any process may be left on a torus: whoever waits for that is told, and looks.

use spin::Once;

static LISTENER: Once<fn()> = Once::new();

/// From now on `listener` is told. Called once, before the first process.
pub fn listen(listener: fn()) {
    LISTENER.call_once(|| listener);
}

/// Something has gone that may have been the last of any process on this core's torus.
pub fn tell() {
    if let Some(listener) = LISTENER.get() {
        listener();
    }
}
