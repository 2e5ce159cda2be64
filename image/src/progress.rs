//! Progress of long steps: a spinner on a terminal, plain lines elsewhere, nothing when quiet.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// How much the tool says about its own work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Voice {
    /// Steps and remarks on stderr.
    Normal,
    /// Errors only.
    Quiet,
}

impl Voice {
    /// One remark.
    pub fn say(self, text: &str) {
        if self == Voice::Normal {
            eprintln!("braid: {text}");
        }
    }

    /// Begins a step that may take long; it ends when the value is dropped.
    #[must_use]
    pub fn step(self, title: &'static str) -> Step {
        let bar = (self == Voice::Normal && std::io::stderr().is_terminal()).then(|| {
            let style = ProgressStyle::with_template("{spinner} {prefix} ({elapsed}) {wide_msg}");
            let bar = ProgressBar::new_spinner().with_prefix(title);
            let bar = match style {
                Ok(style) => bar.with_style(style),
                Err(_) => bar,
            };
            bar.enable_steady_tick(Duration::from_millis(100));
            bar
        });
        Step {
            voice: self,
            title,
            bar,
            announced: false,
        }
    }
}

/// A step under way.
#[derive(Debug)]
pub struct Step {
    voice: Voice,
    title: &'static str,
    bar: Option<ProgressBar>,
    announced: bool,
}

impl Step {
    /// The step turned out to be real work, of which this is the part at hand. Off a terminal only the title is
    /// printed, once, so that steps with nothing to do stay silent.
    pub fn detail(&mut self, text: &str) {
        match &self.bar {
            Some(bar) => bar.set_message(text.to_owned()),
            None if !self.announced => self.voice.say(self.title),
            None => {}
        }
        self.announced = true;
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
