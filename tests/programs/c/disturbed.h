// What cases share in which one process disturbs others: it sends them signals at random moments, and has them move when tori are named.
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

// Random numbers below `n`, the same for the same `state` at the start.
static unsigned long state;
static unsigned draw(unsigned n) { state = state * 6364136223846793005ul + 1442695040888963407ul; return (state >> 33) % n; }

// Memory of zeros that children share.
static void *shared(size_t size) { return mmap(0, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0); }

// What went wrong in any of the processes, which share it: how often, and the last of it.
static struct faults { volatile long count; char what[200]; } *faults;
static void wrong(const char *why, long value) {
    faults->count++;
    snprintf(faults->what, sizeof faults->what, "%s (%ld, errno %d)", why, value, errno);
}
static const char *what_went_wrong(void) { return faults->count ? faults->what : ""; }

// How many signals this process has handled.
static volatile long handled;
static void handler(int number) { handled++; }
static void handle(int flags) {
    struct sigaction a = {.sa_handler = handler, .sa_flags = flags};
    sigaction(SIGUSR1, &a, 0);
    sigaction(SIGUSR2, &a, 0);
}

// Sends a process one of the two signals, and may have it move to one of so many tori.
static void disturb(pid_t who, int tori) {
    kill(who, draw(3) ? SIGUSR1 : SIGUSR2);
    if (tori && !draw(3)) syscall(4097, who, draw(tori), 0);
}
