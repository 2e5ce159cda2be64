//! The table of messages, by what they are about: the whole format. A number is a message's for good.

use super::field::Field;
use super::{MessageError, Refusal};
use crate::{
    DepositId, TorusId,
    balance::Load,
    family::{Answer, By, Carried, Count, Crowd, Ended, Order, Sent, Told},
    lease::Why,
    pid::Pid,
    ring::Line,
    span::Span,
};
use vm::addr::{Frame, Page};

messages! {
    // Moves of processes, and the pages that they leave.

    /// Source to target: take this process.
    1 Offer {
        /// The process.
        pid: Pid,
        /// The frame of the source where its image begins, which the source keeps until it is answered.
        image: Frame,
    }
    /// Target to source: the process runs here.
    2 Adopted {
        /// The process.
        pid: Pid,
    }
    /// Target to source: the process stays with you.
    3 Refused {
        /// The process.
        pid: Pid,
        /// Why.
        reason: Refusal,
    }
    /// Source to target: all that was held for the process has been sent on; it may move again.
    4 Departed {
        /// The process.
        pid: Pid,
    }
    /// Host to home: let me copy these pages.
    5 Pull {
        /// Whose pages.
        deposit: DepositId,
        /// Which pages.
        span: Span,
    }
    /// Home to host: these pages are in the frames that the deposit's table names, and stay there until you free them.
    6 Grant {
        /// Whose pages.
        deposit: DepositId,
        /// Which pages.
        span: Span,
    }
    /// Home to host: the page cannot be had.
    7 Lost {
        /// Whose page.
        deposit: DepositId,
        /// Which page.
        page: Page,
    }
    /// Host to home: I need these pages no longer.
    8 Free {
        /// Whose pages.
        deposit: DepositId,
        /// Which pages.
        span: Span,
    }
    /// Host to home: make a deposit for a child, with all that is in its parent's now.
    9 Fork {
        /// The deposit of the parent.
        parent: DepositId,
        /// The name of the new one.
        child: DepositId,
    }
    /// Home to host: it is made.
    10 Forked {
        /// The deposit of the parent.
        parent: DepositId,
        /// The new one.
        child: DepositId,
        /// The frame of its top table.
        root: Frame,
    }
    /// Home to host: there is no memory to make it.
    11 ForkFailed {
        /// The deposit of the parent.
        parent: DepositId,
        /// The name that is void.
        child: DepositId,
    }
    /// Host to home: I need nothing of this any longer.
    12 Release {
        /// The deposit to close.
        deposit: DepositId,
    }
    /// To oneself: a page of a deposit may have come from its swap slot.
    40 PageRead {
        /// Whose page.
        deposit: DepositId,
        /// Which page.
        page: Page,
    }

    // Processes and their families.

    /// To the birth torus: the process is here now.
    15 Moved {
        /// The process.
        pid: Pid,
        /// How often it has moved.
        moves: u32,
        /// Where it is.
        at: TorusId,
    }
    /// To a process, by way of its birth torus: a signal.
    16 Signal {
        /// The process that is meant.
        to: Pid,
        /// What the answer is to carry.
        token: u64,
        /// The signal, and who sends it.
        sent: Sent,
        /// What else its handler is told.
        carried: Carried,
    }
    /// To a process, by way of its birth torus: what became of its request.
    17 Answer {
        /// The process that asked.
        to: Pid,
        /// What the request carried.
        token: u64,
        /// The answer.
        answer: Answer,
    }
    /// To a process, by way of its birth torus: tell or change something of yourself.
    63 Order {
        /// The process.
        to: Pid,
        /// What the answer is to carry.
        token: u64,
        /// The process that gives the order.
        by: By,
        /// The order.
        order: Order,
    }
    /// To a parent, by way of its birth torus: its child has ended.
    18 Exited {
        /// The parent.
        to: Pid,
        /// The child.
        child: Pid,
        /// How.
        ended: Ended,
    }
    /// To the birth torus: the status of the process was collected.
    19 Reaped {
        /// The process that is no more.
        pid: Pid,
        /// How often it had moved: so much news the birth torus has heard or will.
        moves: u32,
    }
    /// To a process that has ended, by way of its birth torus: its status was collected.
    23 Reap {
        /// The process that is no more.
        to: Pid,
    }
    /// To a parent, by way of its birth torus: its child has stopped or goes on.
    24 Changed {
        /// The parent.
        to: Pid,
        /// The child.
        child: Pid,
        /// How many of these it has sent: older ones that come later are ignored.
        number: u32,
        /// Its Linux wait status.
        status: u32,
        /// Its real user.
        uid: u32,
    }
    /// To a process, by way of its birth torus: its parent has ended, init is its parent.
    25 Orphaned {
        /// The process.
        to: Pid,
        /// The parent that has ended.
        by: Pid,
        /// The real user of that.
        uid: u32,
    }
    /// To init, or to the parent of a process that has made a sibling, by way of its birth torus: this is your child now.
    26 Adopt {
        /// Init, or the parent.
        to: Pid,
        /// The child.
        child: Pid,
        /// Its group.
        group: Pid,
        /// How it ended, if it has.
        ended: Option<Ended>,
    }
    /// To a child, by way of its birth torus: be in another group.
    27 Regroup {
        /// The child.
        to: Pid,
        /// Its parent.
        from: Pid,
        /// The group.
        group: Pid,
        /// The session in which this is allowed.
        session: Pid,
        /// Whether the group is one of the session.
        known: bool,
        /// What the answer is to carry.
        token: u64,
    }
    /// To a parent, by way of its birth torus: its child is in another group.
    28 Grouped {
        /// The parent.
        to: Pid,
        /// The child.
        child: Pid,
        /// The group.
        group: Pid,
        /// What the answer is to carry.
        token: u64,
    }
    /// To a process, by way of its birth torus: which group or session is yours?
    29 Ask {
        /// The process.
        to: Pid,
        /// The process that asks.
        from: Pid,
        /// The session, else the group.
        session: bool,
        /// What the answer is to carry.
        token: u64,
    }
    /// To every torus: something that many are told.
    30 All {
        /// Counts up, for each sender.
        number: u64,
        /// Up to this number all tori have answered.
        stable: u64,
        /// For whom.
        crowd: Crowd,
        /// What they are told.
        told: Told,
    }
    /// To the torus where it began: those here have been told.
    31 Heard {
        /// Its number.
        number: u64,
        /// What they make together.
        count: Count,
    }
    /// To a child, by way of its birth torus: go to another torus.
    37 Push {
        /// The child.
        to: Pid,
        /// Its parent.
        from: Pid,
        /// The parent's real user.
        uid: u32,
        /// Its effective user.
        euid: u32,
        /// Where it is to go.
        torus: TorusId,
        /// What the answer is to carry.
        token: u64,
    }

    // Memory objects that are lent.

    /// To the home of an object: how often a torus was given it has changed.
    41 Hold {
        /// The object's number at its home.
        object: u64,
        /// The torus that holds it, or does not after all.
        holder: TorusId,
        /// By how much.
        change: i32,
    }
    /// Holder to home: nothing maps the object here any more.
    42 Unhold {
        /// The object's number at its home.
        object: u64,
        /// How often it was given to the sender.
        count: u32,
    }
    /// Holder to home: lend me this page.
    43 Lend {
        /// The object's number at its home.
        object: u64,
        /// The sender's number of the lease.
        lease: u64,
        /// Which page of it.
        index: u64,
        /// The process that touches it.
        asker: Pid,
    }
    /// Home to holder: the page is in this frame, and stays there until you let it go.
    44 Lent {
        /// The receiver's number of the lease.
        lease: u64,
        /// Which page of it.
        index: u64,
        /// The frame.
        frame: Frame,
    }
    /// Home to holder: the process does not get the page.
    45 NotLent {
        /// The receiver's number of the lease.
        lease: u64,
        /// Which page of it.
        index: u64,
        /// The process that touches it.
        asker: Pid,
        /// Why.
        why: Why,
    }
    /// Home to holder of an object that never changes: the page has this root, and is in this frame until you have it.
    60 Content {
        /// The receiver's number of the lease.
        lease: u64,
        /// Which page of it.
        index: u64,
        /// The frame.
        frame: Frame,
        /// The first word of its root.
        root0: u64,
        /// The second.
        root1: u64,
        /// The third.
        root2: u64,
        /// The last.
        root3: u64,
    }
    /// Holder to home: I have the page.
    61 HaveContent {
        /// The object's number at its home.
        object: u64,
        /// Which page of it.
        index: u64,
    }
    /// Home to holder: the object has been cut.
    46 Cut {
        /// The object's number at its home.
        object: u64,
        /// The first page that is gone.
        from: u64,
        /// Which of its cuts this is.
        cut: u64,
    }
    /// Holder to home: I have forgotten what was cut.
    47 Forgotten {
        /// The object's number at its home.
        object: u64,
        /// The first page that is gone.
        from: u64,
        /// Which of its cuts.
        cut: u64,
    }
    /// To oneself: a page that is to be lent may have come from its swap slot.
    48 LendAgain {
        /// The object's number here.
        object: u64,
        /// Which page of it.
        index: u64,
        /// The torus that asks.
        holder: TorusId,
        /// Its number of the lease.
        lease: u64,
        /// The process that touches it.
        asker: Pid,
    }

    // Files.

    /// To a home of files: a request, in frames of the sender's that the home may use until it has answered.
    50 FileAsk {
        /// The sender's name for it.
        call: u64,
        /// The first frame, which begins with the numbers of the others.
        parcel: Frame,
        /// How many others there are.
        frames: u32,
    }
    /// Home to asker: the answer lies where the request was.
    51 FileAnswer {
        /// The asker's name for the request.
        call: u64,
    }
    /// To a home of files: do not wait any longer, but answer.
    52 FileCancel {
        /// The sender's name for the request.
        call: u64,
    }
    /// To a home of files: how often a torus holds a file has changed.
    53 FileHold {
        /// The file's number at its home.
        file: u64,
        /// The torus that holds it, or did.
        holder: TorusId,
        /// By how much.
        change: i32,
    }
    /// To oneself: a request that waited is to be looked at again.
    54 FileWoken {
        /// The home's own number for the request.
        request: u64,
    }
    /// To a home of files: a process has closed a file, and lets its records of it go (fcntl(2)).
    55 FileUnlock {
        /// The file's number at its home.
        file: u64,
        /// The process.
        process: Pid,
    }
    /// To the torus of the console: the leader of a session has ended.
    56 Leaderless {
        /// The leader, and its session.
        leader: Pid,
    }

    // Tori: their load, what they are asked to do, and probes of the rings.

    /// To every torus: how busy the sender is.
    20 Load {
        /// Its load.
        load: Load,
    }
    /// To a busy torus: give me a process, I have idle cores.
    21 Want {
        /// The sender's load.
        load: Load,
    }
    /// To a torus: take no processes in, send away those that live there, and answer how many those are.
    38 Drain {
        /// The process that asks.
        from: Pid,
        /// What the answer is to carry.
        token: u64,
        /// It has not asked before: from now on. Else only if that has not been undone.
        begin: bool,
        /// Take processes in again.
        undo: bool,
    }
    /// To oneself, with the ticks of a torus whose cores do not idle: go on with what processes have elsewhere.
    39 Tend {}
    /// To a torus, at boot: the disk that you are to swap to is ready to be taken.
    36 OpenSwap {}
    /// A line to measure and check the rings with.
    22 Probe {
        /// Counts up.
        number: u64,
        /// What the receiver is to find.
        check: u64,
    }

    // The beginning and the end of the machine.

    /// To every torus: start the first program too.
    32 Begin {}
    /// To every torus: the first process has ended, which waits until nothing is left of any other.
    33 End {
        /// Kill those who live.
        kill: bool,
    }
    /// To every torus, when the end takes long: say in the log what is left.
    62 Linger {}
    /// To a torus of which nothing is left: let caches go and settle the account.
    34 Close {}
    /// To the torus of the first process: what it asked for has been done.
    35 Done {}
}
