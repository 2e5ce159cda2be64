// An executable of MEGABYTES, of which one is touched: the last one of its constants. Then it stops, until it is killed.
#include <signal.h>

#define MIB (1ul << 20)

__attribute__((used)) static const char content[MEGABYTES * MIB] = {1};

int main(void) {
    const volatile char *last = content + (MEGABYTES - 1) * MIB;
    char sum = 0;
    for (unsigned long at = 0; at < MIB; at += 4096)
        sum |= last[at];
    raise(SIGSTOP);
    return sum;
}
