//! What the kernel asks of the loader (Limine boot protocol), in the sections where the loader looks for it.

use limine::BaseRevision;
use limine::mp::RequestFlags;
use limine::paging::Mode;
use limine::request::{
    BootloaderInfoRequest, DateAtBootRequest, ExecutableAddressRequest, ExecutableCmdlineRequest,
    ExecutableFileRequest, FramebufferRequest, HhdmRequest, MemoryMapRequest, ModuleRequest,
    MpRequest, PagingModeRequest, RequestsEndMarker, RequestsStartMarker, RsdpRequest,
    StackSizeRequest,
};

/// Bytes of stack that each core starts with.
const STACK_SIZE: u64 = 64 * 1024;

#[used]
#[unsafe(link_section = ".requests_start")]
static START: RequestsStartMarker = RequestsStartMarker::new();

#[used]
#[unsafe(link_section = ".requests_end")]
static END: RequestsEndMarker = RequestsEndMarker::new();

/// One request, where the loader finds it.
macro_rules! request {
    ($(#[$doc:meta])* $name:ident: $type:ty = $value:expr) => {
        $(#[$doc])*
        #[used]
        #[unsafe(link_section = ".requests")]
        pub(super) static $name: $type = $value;
    };
}

request!(
    /// Revision 3 is asked for; any from 0 on is understood.
    REVISION: BaseRevision = BaseRevision::new()
);
request!(LOADER: BootloaderInfoRequest = BootloaderInfoRequest::new());
request!(STACK: StackSizeRequest = StackSizeRequest::new().with_size(STACK_SIZE));
request!(HHDM: HhdmRequest = HhdmRequest::new());
request!(
    /// Four levels, also on machines that have five.
    PAGING: PagingModeRequest = PagingModeRequest::new()
        .with_mode(Mode::FOUR_LEVEL)
        .with_min_mode(Mode::FOUR_LEVEL)
        .with_max_mode(Mode::FOUR_LEVEL)
);
request!(MEMORY: MemoryMapRequest = MemoryMapRequest::new());
request!(CORES: MpRequest = MpRequest::new().with_flags(RequestFlags::X2APIC));
request!(RSDP: RsdpRequest = RsdpRequest::new());
request!(MODULES: ModuleRequest = ModuleRequest::new());
request!(COMMAND_LINE: ExecutableCmdlineRequest = ExecutableCmdlineRequest::new());
request!(FILE: ExecutableFileRequest = ExecutableFileRequest::new());
request!(ADDRESS: ExecutableAddressRequest = ExecutableAddressRequest::new());
request!(DATE: DateAtBootRequest = DateAtBootRequest::new());
request!(FRAMEBUFFER: FramebufferRequest = FramebufferRequest::new());
