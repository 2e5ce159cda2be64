// An executable of MEGABYTES, of which one is touched: the last one of its constants. Then it stops, until it is killed.
// Each page of the constants begins with its number, so that no two are equal.
#include <signal.h>

#define MIB (1ul << 20)
#define TEXT(x) #x
#define EXPANDED(x) TEXT(x)

__asm__(".section .rodata\n"
        ".balign 4096\n"
        "content:\n"
        ".set number, 0\n"
        ".rept 256 * " EXPANDED(MEGABYTES) "\n"
        ".set number, number + 1\n"
        ".quad number\n"
        ".skip 4088\n"
        ".endr\n"
        ".text\n");
extern const char content[];

int main(void) {
    const volatile char *last = content + (MEGABYTES - 1) * MIB;
    char sum = 0;
    for (unsigned long at = 0; at < MIB; at += 4096)
        sum |= last[at];
    raise(SIGSTOP);
    return sum;
}
