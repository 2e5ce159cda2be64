//! What reboot(2) refuses: wrong magic numbers, unknown commands, and everybody but user 0. Not for hosts.

use braid_test_programs::call;
use libc as l;

const MAGIC: usize = 0xfee1_dead;
const MAGIC_2: usize = 672_274_793;
const POWER_OFF: usize = 0x4321_fedc;

fn main() {
    let reboot = |first, second, command| call(l::SYS_reboot, [first, second, command, 0]);
    assert_eq!(reboot(1, MAGIC_2, POWER_OFF), Err(l::EINVAL));
    assert_eq!(reboot(MAGIC, 2, POWER_OFF), Err(l::EINVAL));
    assert_eq!(reboot(MAGIC, MAGIC_2, 3), Err(l::EINVAL));
    assert_eq!(reboot(MAGIC, MAGIC_2, 0), Ok(0));
    call(l::SYS_setuid, [1000, 0, 0, 0]).expect("another user");
    assert_eq!(reboot(MAGIC, MAGIC_2, POWER_OFF), Err(l::EPERM));
    println!("still here");
}
