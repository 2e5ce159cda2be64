//! What a process's program was started with, in its image: `/proc` shows it wherever the process is.

use crate::process::command::Command;
use crate::syscall::errno::Errno;
use alloc::sync::Arc;
use ipc::LentError;
use ipc::words::{Reader, Writer};
use spin::Once;

/// Writes the command of a process, if it is known.
pub(super) fn write_command(to: &mut Writer, command: Option<&Command>) -> Result<(), LentError> {
    to.put(command.is_some().into())?;
    let Some(command) = command else {
        return Ok(());
    };
    to.put_bytes(&command.arguments)?;
    to.put_bytes(&command.environment)?;
    let auxiliary = command.auxiliary.get();
    to.put(auxiliary.is_some().into())?;
    to.put_all(auxiliary.into_iter().flatten().copied())
}

/// Reads what [`write_command`] wrote.
pub(super) fn read_command(from: &mut Reader) -> Result<Option<Arc<Command>>, Errno> {
    if from.get()? == 0 {
        return Ok(None);
    }
    let (arguments, environment) = (from.bytes()?, from.bytes()?);
    let auxiliary = match from.get()? {
        0 => Once::new(),
        _ => Once::initialized(from.array()?),
    };
    let command = fallible::arc(Command {
        arguments,
        environment,
        auxiliary,
    })?;
    Ok(Some(command))
}
