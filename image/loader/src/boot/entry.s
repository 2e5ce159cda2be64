# Entry of the bootstrap processor (PVH, 32-bit) and of the others (startup IPI, 16-bit), the way to 64-bit mode,
# and the way out of the loader: parking of processors and the jump into the kernel.
#
# Identity-mapped tables at `boot_root` cover the first 4 GiB; the loader adds the kernel's upper half to them.

.set SELECT_CODE32, 0x18
.set SELECT_DATA32, 0x20
.set SELECT_CODE64, 0x28
.set SELECT_DATA64, 0x30
.set GDT_LIMIT, 7 * 8 - 1

.section .note.pvh, "a", @note
.balign 4
    .long 4                         # size of the name
    .long 8                         # size of the description
    .long 18                        # XEN_ELFNOTE_PHYS32_ENTRY
    .asciz "Xen"
    .quad pvh_entry

.section .text.entry, "ax", @progbits
.code32
.global pvh_entry
pvh_entry:
    cli
    cld
    mov esp, offset boot_stack_top
    mov esi, ebx                    # physical address of hvm_start_info
    mov edi, offset __bss_start
    mov ecx, offset __bss_end
    sub ecx, edi
    shr ecx, 2
    xor eax, eax
    rep stosd

    mov eax, 0x80000000             # is there 64-bit mode?
    cpuid
    cmp eax, 0x80000001
    jb no_long_mode
    mov eax, 0x80000001
    cpuid
    bt edx, 29
    jnc no_long_mode

    # Four page directories of 2 MiB pages: 0 to 4 GiB.
    mov edi, offset boot_directories
    xor ecx, ecx
2:  mov eax, ecx
    shl eax, 21
    or eax, 0x83                    # present, writable, large
    mov [edi + 8 * ecx], eax
    inc ecx
    cmp ecx, 2048
    jb 2b
    mov eax, offset boot_directories + 3
    mov edi, offset boot_pointers
    mov ecx, 4
3:  mov [edi], eax
    add eax, 4096
    add edi, 8
    dec ecx
    jnz 3b
    mov dword ptr [boot_root], offset boot_pointers + 3

    call enter_long_mode
.code64
    mov esp, esp
    mov edi, esi
    xor ebp, ebp
    call {start}
    ud2

.code32
# To 64-bit mode on the tables at `boot_root`; returns into 64-bit code with the stack it was called on.
# Keeps esi, ebp and esp.
enter_long_mode:
    pop edx                         # the return address; a 32-bit one
    lgdt [loader_gdtr]
    mov eax, SELECT_DATA32
    mov ds, eax
    mov es, eax
    mov fs, eax
    mov gs, eax
    mov ss, eax
    mov edi, edx
    mov eax, cr4
    or eax, 1 << 5                  # PAE
    mov cr4, eax
    mov eax, offset boot_root
    mov cr3, eax
    mov ecx, 0xc0000080             # EFER
    rdmsr
    or eax, 1 << 8                  # LME
    wrmsr
    mov eax, cr0
    and eax, 0x9fffffff             # caches on
    or eax, 0x80010001              # PG, WP, PE
    mov cr0, eax
    push SELECT_CODE64
    mov eax, offset in_long_mode
    push eax
    retf
.code64
in_long_mode:
    mov eax, SELECT_DATA64
    mov ds, eax
    mov es, eax
    mov fs, eax
    mov gs, eax
    mov ss, eax
    mov eax, edi
    jmp rax

.code32
no_long_mode:
    mov esi, offset no_long_mode_text
5:  lodsb
    test al, al
    jz 6f
    mov dx, 0x3f8
    out dx, al
    jmp 5b
6:  mov al, 0x12
    mov dx, 0xf4
    out dx, al
7:  hlt
    jmp 7b

# What a startup IPI runs, copied to a page below 1 MiB: everything it needs is reached by absolute addresses.
.section .rodata.trampoline, "a", @progbits
.code16
.global ap_trampoline
ap_trampoline:
    cli
    cld
    mov ax, cs
    mov ds, ax
    .byte 0x66                      # a 32-bit base
    lgdt [AP_GDTR]
    mov eax, cr0
    or eax, 1
    mov cr0, eax
    .byte 0x66, 0xea                # far jump to SELECT_CODE32:ap_protected
    .long ap_protected
    .word SELECT_CODE32
.balign 4
ap_gdtr:
    .word GDT_LIMIT
    .long loader_gdt
.set AP_GDTR, ap_gdtr - ap_trampoline
.global ap_trampoline_end
ap_trampoline_end:

.section .text.entry, "ax", @progbits
.code32
ap_protected:
    mov eax, SELECT_DATA32
    mov ds, eax
    mov ss, eax
    mov eax, 1                      # the turn in which processors arrive picks their stack
    lock xadd [{arrivals}], eax
    cmp eax, [{stack_count}]
    jae 7b
    mul dword ptr [{stack_size}]   # below 4 GiB: all stacks together are one allocation there
    add eax, [{stacks}]
    add eax, [{stack_size}]
    mov esp, eax
    call enter_long_mode
.code64
    mov esp, esp
    mov edi, esp
    xor ebp, ebp
    call {start_other}
    ud2

# fn leave(entry, stack, root, argument, hhdm) -> !: to `entry` in the kernel's address space. All addresses are the
# kernel's but `root`, the value of CR3. The code goes on at its alias in the direct map, which both tables have.
.global leave
leave:
    lea rax, [rip + 8f]
    add rax, r8
    jmp rax
8:  mov cr3, rdx
    mov rsp, rsi
    mov rbx, rcx
    call load_gdt
    push 0                          # where the kernel would return to
    push rdi
    mov rdi, rbx
    xor eax, eax
    xor ebx, ebx
    xor ecx, ecx
    xor edx, edx
    xor esi, esi
    xor ebp, ebp
    xor r8d, r8d
    xor r9d, r9d
    xor r10d, r10d
    xor r11d, r11d
    xor r12d, r12d
    xor r13d, r13d
    xor r14d, r14d
    xor r15d, r15d
    ret

# Loads the GDT by the address that it has where this code runs, and all segments. Changes rax and rcx.
load_gdt:
    lea rax, [rip + loader_gdt]
    sub rsp, 16
    mov word ptr [rsp], GDT_LIMIT
    mov [rsp + 2], rax
    lgdt [rsp]
    add rsp, 16
    mov ecx, SELECT_DATA64
    mov ds, ecx
    mov es, ecx
    mov fs, ecx
    mov gs, ecx
    mov ss, ecx
    pop rax
    push SELECT_CODE64
    push rax
    retfq

# Every exception while the loader runs; the processor has pushed an error code or not.
.global exception_entry
exception_entry:
    mov rdi, [rsp]
    mov rsi, [rsp + 8]
    mov rdx, cr2
    and rsp, -16
    call {exception}
    ud2

# The interrupts of a parked processor: it was only to be woken.
.global wake_entry
wake_entry:
    iretq

.section .data.gdt, "aw", @progbits
.balign 16
# The descriptors that the Limine protocol asks for, in its order.
loader_gdt:
    .quad 0
    .quad 0x00009b000000ffff        # 16-bit code
    .quad 0x000093000000ffff        # 16-bit data
    .quad 0x00cf9b000000ffff        # 32-bit code
    .quad 0x00cf93000000ffff        # 32-bit data
    .quad 0x00af9b000000ffff        # 64-bit code
    .quad 0x00af93000000ffff        # 64-bit data
loader_gdtr:
    .word GDT_LIMIT
    .long loader_gdt

.section .rodata.text, "a", @progbits
no_long_mode_text:
    .asciz "braid-loader: error: this processor has no 64-bit mode\r\n"

.section .bss.boot, "aw", @nobits
.balign 4096
.global boot_root
boot_root: .skip 4096
boot_pointers: .skip 4096
boot_directories: .skip 4 * 4096
boot_stack: .skip 64 * 1024
boot_stack_top:
