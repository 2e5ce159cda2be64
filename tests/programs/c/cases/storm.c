// Every call that can wait, interrupted at every point: another process sends signals at random moments, and has the caller move when
// tori are named. What may not be interrupted is not, what is interrupted has run a handler, nothing is lost, masks are as before.
// usage: storm ROUNDS SEED [TORI [MIB]], with so much memory that a third process uses all the time
#include "../disturbed.h"
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/select.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>

static struct { volatile int turn, done, futex, over; volatile long interrupted; } *s;
static int ends[2], full[2], go[2], lock_file;
static sigset_t usual;

// What the caller does. Each answers -1 with EINTR, or as it would without signals.
static long do_read(void) { char byte = 0; long n = read(ends[0], &byte, 1); return n == 1 && byte != 'x' ? -2 : n; }
static long do_readv(void) {
    char byte[2]; struct iovec v[2] = {{byte, 1}, {byte + 1, 1}};
    return readv(ends[0], v, 2);
}
static char block[3 * 65536];
static long do_write(void) {
    // The pipe is full, and a byte more: what was written before a signal is told.
    static long at; long n = write(full[1], block + at, sizeof block - at);
    if (n < 0) return n;
    at += n;
    if (at < (long)sizeof block) { errno = EINTR; return -1; }
    at = 0;
    return 1;
}
static long do_poll(void) {
    struct pollfd p = {ends[0], POLLIN, 0};
    long n = poll(&p, 1, 10000);
    char c;
    if (n == 1) read(ends[0], &c, 1);
    return n;
}
static long do_ppoll(void) {
    struct pollfd p = {ends[0], POLLIN, 0};
    struct timespec t = {10, 0};
    sigset_t other; sigemptyset(&other); sigaddset(&other, SIGUSR2);
    long n = ppoll(&p, 1, &t, &other);
    char c;
    if (n == 1) read(ends[0], &c, 1);
    return n;
}
static long do_select(void) {
    fd_set f; FD_ZERO(&f); FD_SET(ends[0], &f);
    struct timeval t = {10, 0};
    long n = select(ends[0] + 1, &f, 0, 0, &t);
    char c;
    if (n == 1) read(ends[0], &c, 1);
    return n;
}
static long do_pselect(void) {
    fd_set f; FD_ZERO(&f); FD_SET(ends[0], &f);
    struct timespec t = {10, 0};
    sigset_t other; sigemptyset(&other); sigaddset(&other, SIGUSR2);
    long n = pselect(ends[0] + 1, &f, 0, 0, &t, &other);
    char c;
    if (n == 1) read(ends[0], &c, 1);
    return n;
}
static struct timespec left;
static long do_nanosleep(void) {
    struct timespec t = left.tv_nsec ? left : (struct timespec){0, 4000000};
    left.tv_nsec = 0;
    // Timers may be late by some slack, which Linux counts as left.
    long n = nanosleep(&t, &left);
    if (n == -1 && left.tv_nsec > t.tv_nsec + 200000) return -2;
    return n == 0 ? 1 : n;
}
static long do_clock(void) {
    static struct timespec until;
    if (!until.tv_sec) { clock_gettime(CLOCK_MONOTONIC, &until); until.tv_nsec += 4000000; if (until.tv_nsec >= 1000000000) { until.tv_nsec -= 1000000000; until.tv_sec++; } }
    int e = clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, 0);
    if (e) { errno = e; return -1; }
    struct timespec now; clock_gettime(CLOCK_MONOTONIC, &now);
    int early = now.tv_sec < until.tv_sec || (now.tv_sec == until.tv_sec && now.tv_nsec < until.tv_nsec);
    until.tv_sec = 0;
    return early ? -2 : 1;
}
static long futex(int timed) {
    struct timespec t = {10, 0};
    long n = syscall(SYS_futex, &s->futex, FUTEX_WAIT, 0, timed ? &t : 0, 0, 0);
    if (n == 0 || (n == -1 && errno == EAGAIN)) return s->futex ? 1 : (errno = EINTR, -1);
    return n;
}
static long do_futex(void) { return futex(0); }
static long do_futex_timed(void) { return futex(1); }
static pid_t child;
static void bear(void) { if (!child) { child = fork(); if (!child) { char c; while (read(go[0], &c, 1) != 1) ; _exit(7); } } }
static long do_wait4(void) {
    bear();
    int status; long n = waitpid(child, &status, 0);
    if (n < 0) return n;
    n = n == child && WIFEXITED(status) && WEXITSTATUS(status) == 7 ? 1 : -2;
    child = 0;
    return n;
}
static long do_waitid(void) {
    bear();
    siginfo_t i; long n = waitid(P_PID, child, &i, WEXITED);
    if (n < 0) return n;
    n = i.si_pid == child && i.si_status == 7 ? 1 : -2;
    child = 0;
    return n;
}
static long do_pause(void) { return pause(); }
static long do_suspend(void) { sigset_t other; sigemptyset(&other); sigaddset(&other, SIGUSR2); return sigsuspend(&other); }
static long do_sigwait(void) {
    sigset_t set; sigemptyset(&set); sigaddset(&set, SIGRTMIN);
    struct timespec t = {10, 0}; siginfo_t i;
    long n = sigtimedwait(&set, &i, &t);
    return n == SIGRTMIN ? 1 : n;
}
static long do_flock(void) {
    int fd = open("/tmp/storm.lock", O_RDWR);
    long n = flock(fd, LOCK_EX);
    int e = errno;
    close(fd);
    errno = e;
    return n == 0 ? 1 : n;
}
static long do_setlkw(void) {
    struct flock f = {.l_type = F_WRLCK, .l_start = 0, .l_len = 1};
    long n = fcntl(lock_file, F_SETLKW, &f);
    if (n == 0) { f.l_type = F_UNLCK; fcntl(lock_file, F_SETLK, &f); }
    return n == 0 ? 1 : n;
}
static long do_file(void) {
    long n = pwrite(lock_file, block, 150000, 0);
    if (n != 150000) return n < 0 ? n : -2;
    n = pread(lock_file, block, 150000, 0);
    return n == 150000 ? 1 : n < 0 ? n : -2;
}
static long do_vfork(void) {
    pid_t p = vfork();
    if (p == 0) _exit(0);
    if (p < 0) return p;
    while (waitpid(p, 0, 0) < 0) ;
    return 1;
}

// What the other process does before, and to end the wait.
static void nothing(void) {}
static void feed(void) { write(ends[1], "x", 1); }
static void drain(void) {
    static char to[sizeof block]; size_t got = 0;
    while (got < sizeof block) { long n = read(full[0], to, sizeof to); if (n <= 0) break; got += n; }
}
static void fire(void) { s->futex = 1; syscall(SYS_futex, &s->futex, FUTEX_WAKE, 1, 0, 0, 0); }
static void release_child(void) { write(go[1], "g", 1); }
static pid_t caller;
static void last_signal(void) { kill(caller, SIGUSR1); }
static void real_time(void) { kill(caller, SIGRTMIN); }
static int held = -1;
static void hold(void) { held = open("/tmp/storm.lock", O_RDWR); flock(held, LOCK_EX); struct flock f = {.l_type = F_WRLCK, .l_len = 1}; fcntl(held, F_SETLK, &f); }
static void let_go(void) { struct flock f = {.l_type = F_UNLCK, .l_len = 1}; fcntl(held, F_SETLK, &f); close(held); }

// How signals interrupt each: not at all, restarted with SA_RESTART, always failing.
enum kind { NEVER, RESTARTS, FAILS };
static const struct row { const char *name; enum kind kind; long (*act)(void); void (*before)(void), (*end)(void); } rows[] = {
    {"read", RESTARTS, do_read, nothing, feed}, {"readv", RESTARTS, do_readv, nothing, feed},
    {"write", RESTARTS, do_write, nothing, drain}, {"poll", FAILS, do_poll, nothing, feed},
    {"ppoll", FAILS, do_ppoll, nothing, feed}, {"select", FAILS, do_select, nothing, feed},
    {"pselect", FAILS, do_pselect, nothing, feed}, {"nanosleep", FAILS, do_nanosleep, nothing, nothing},
    {"clock_nanosleep", FAILS, do_clock, nothing, nothing}, {"futex", RESTARTS, do_futex, nothing, fire},
    {"futex timed", RESTARTS, do_futex_timed, nothing, fire}, {"wait4", RESTARTS, do_wait4, nothing, release_child},
    {"waitid", RESTARTS, do_waitid, nothing, release_child}, {"pause", FAILS, do_pause, nothing, last_signal},
    {"sigsuspend", FAILS, do_suspend, nothing, last_signal}, {"sigtimedwait", FAILS, do_sigwait, nothing, real_time},
    {"flock", RESTARTS, do_flock, hold, let_go}, {"fcntl", RESTARTS, do_setlkw, hold, let_go},
    {"file", NEVER, do_file, nothing, nothing}, {"vfork", NEVER, do_vfork, nothing, nothing},
};
enum { ROWS = sizeof rows / sizeof *rows };

// One call of the caller's: made again until it has succeeded.
static void one(const struct row *row, int restart) {
    int only_signals = row->act == do_pause || row->act == do_suspend;
    for (;;) {
        long before = handled, n = row->act();
        int error = errno;
        sigset_t now;
        sigprocmask(SIG_SETMASK, 0, &now);
        if (memcmp(&now, &usual, 8)) { wrong("mask", 0); sigprocmask(SIG_SETMASK, &usual, 0); }
        errno = error;
        if (n == -1 && error == EINTR) {
            if (only_signals) { if (handled == before) wrong("no handler", n); break; }
            s->interrupted++;
            if (row->kind == NEVER) wrong("interrupted", n);
            // A write that has moved bytes ends without a handler's being told of here.
            if (handled == before && row->act != do_write) wrong("EINTR without a handler", n);
            if (row->kind == RESTARTS && restart && row->act != do_write && row->act != do_futex && row->act != do_futex_timed) wrong("not restarted", n);
            continue;
        }
        if (n != 1) wrong("value", n);
        break;
    }
}
// Whether a wait of the row ends by a signal for certain, when one comes during it.
static int ends_early(const struct row *row, int restart) {
    int moves = row->act == do_write || row->act == do_futex_timed;
    return row->act != do_pause && row->act != do_suspend && (row->kind == FAILS || (row->kind == RESTARTS && (!restart || moves)));
}
static void press(long size) {
    char *memory = mmap(0, size, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    while (!s->over) for (long at = 0; at < size && !s->over; at += 4096) memory[at]++;
    _exit(0);
}
static void calls(int rounds) {
    sigset_t rt; sigemptyset(&rt); sigaddset(&rt, SIGRTMIN); sigprocmask(SIG_BLOCK, &rt, 0);
    sigprocmask(SIG_SETMASK, 0, &usual);
    int turn = 0;
    for (int r = 0; r < ROWS; r++) for (int restart = 0; restart < 2; restart++) {
        handle(restart ? SA_RESTART : 0);
        for (int k = 0; k < rounds; k++) {
            while (s->turn <= turn) usleep(50);
            one(&rows[r], restart);
            s->done = ++turn;
        }
    }
    _exit(0);
}
int main(int c, char **v) {
    int rounds = atoi(v[1]), tori = c > 3 ? atoi(v[3]) : 0;
    state = atoi(v[2]);
    s = shared(sizeof *s);
    faults = shared(sizeof *faults);
    pipe(ends); pipe(full); pipe(go);
    lock_file = open("/tmp/storm.lock", O_RDWR | O_CREAT, 0600);
    handle(0);
    pid_t presser = 0;
    if (c > 4 && !(presser = fork())) press(atol(v[4]) << 20);
    caller = fork();
    if (!caller) calls(rounds);
    int turn = 0;
    for (int r = 0; r < ROWS; r++) for (int restart = 0; restart < 2; restart++) {
        s->interrupted = faults->count = 0;
        for (int k = 0; k < rounds; k++) {
            const struct row *row = &rows[r];
            s->futex = 0;
            row->before();
            if (tori && row->end == fire) while (syscall(4097, caller, 0, 0)) usleep(100);
            s->turn = ++turn;
            for (int n = draw(5); n > 0; n--) {
                usleep(draw(400));
                // FUTEX_WAKE reaches waiters of the caller's own torus alone.
                disturb(caller, row->end == fire ? 0 : tori);
            }
            for (int w = 0; w < 5000 && ends_early(row, restart) && !s->interrupted && s->done < turn; w++) {
                kill(caller, SIGUSR1);
                usleep(100);
            }
            usleep(draw(300));
            row->end();
            for (int w = 0; s->done < turn; w++) {
                // A signal may have come before the pause.
                if (row->end == last_signal && w % 50 == 49) last_signal();
                if (w > 200000) { printf("%s %d: STUCK\n", row->name, restart); kill(caller, SIGKILL); return 1; }
                usleep(50);
            }
        }
        // Whether a wait was interrupted at all: some of so many are.
        printf("%s %d: interrupted %s, wrong %ld %s\n", rows[r].name, restart, rows[r].act == do_pause || rows[r].act == do_suspend ? "always" : s->interrupted ? "yes" : "no", faults->count, what_went_wrong());
        fflush(stdout);
    }
    int status; waitpid(caller, &status, 0);
    s->over = 1;
    if (presser) waitpid(presser, 0, 0);
    printf("%d\n", status);
    unlink("/tmp/storm.lock");
    return 0;
}
