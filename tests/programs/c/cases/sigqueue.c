// Signals that are queued with what their senders say: order, values, limits, and what may not be said. usage: sigqueue [TORUS], to
// which it moves while they wait
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
static int order[64], n;
static long values[64];
static void h(int s, siginfo_t *i, void *u) {
    if (n < 64) { order[n] = s - SIGRTMIN; values[n] = (long)i->si_value.sival_ptr; n++; }
    if (i->si_code != SI_QUEUE || i->si_pid != getpid() || i->si_uid != getuid()) printf("odd: %d\n", i->si_code);
}
static int raw(int pid, int sig, int code, long value) {
    siginfo_t i;
    memset(&i, 0, sizeof i);
    i.si_code = code; i.si_pid = 77; i.si_uid = 88; i.si_value.sival_ptr = (void *)value;
    return syscall(SYS_rt_sigqueueinfo, pid, sig, &i) ? errno : 0;
}
int main(int c, char **v) {
    struct sigaction a = {.sa_sigaction = h, .sa_flags = SA_SIGINFO};
    sigset_t all, old;
    sigfillset(&all);
    for (int s = 0; s < 3; s++) sigaction(SIGRTMIN + s, &a, 0);
    sigprocmask(SIG_SETMASK, &all, &old);
    for (int k = 0; k < 30; k++) {
        union sigval value = {.sival_ptr = (void *)(0x123456789abL + k)};
        if (sigqueue(getpid(), SIGRTMIN + 2 - k % 3, value)) perror("sigqueue");
    }
    if (c > 1) syscall(4097, 0, atoi(v[1]), 0);
    sigprocmask(SIG_SETMASK, &old, 0);
    for (int k = 0; k < n; k++) printf("%d:%lx ", order[k], values[k]);
    printf("\n%d\n", n);
    // What may be said of oneself, and to others.
    sigprocmask(SIG_SETMASK, &all, 0);
    int me = getpid(), child = fork();
    if (!child) { for (;;) pause(); }
    int codes[] = {SI_USER, SI_QUEUE, SI_TKILL, SI_KERNEL, -60, 5};
    for (int k = 0; k < 6; k++)
        printf("code %d: self %d, child %d\n", codes[k], raw(me, SIGRTMIN, codes[k], k), raw(child, SIGRTMIN + 1, codes[k], k));
    siginfo_t got;
    struct timespec now = {0, 0};
    sigset_t rt;
    sigemptyset(&rt);
    sigaddset(&rt, SIGRTMIN);
    while (sigtimedwait(&rt, &got, &now) > 0)
        printf("got code %d, pid %d, uid %d, value %ld\n", got.si_code, got.si_pid, got.si_uid, (long)got.si_value.sival_ptr);
    printf("nobody %d, none %d, bad signal %d, bad address %d\n", raw(999999, SIGRTMIN, SI_QUEUE, 0), raw(child, 0, SI_QUEUE, 0),
           raw(child, 65, SI_QUEUE, 0), syscall(SYS_rt_sigqueueinfo, me, SIGRTMIN, 8) ? errno : 0);
    siginfo_t i;
    memset(&i, 0, sizeof i);
    i.si_code = SI_QUEUE;
    printf("thread %d, other %d, negative %d\n", syscall(SYS_rt_tgsigqueueinfo, me, me, SIGRTMIN, &i) ? errno : 0,
           syscall(SYS_rt_tgsigqueueinfo, me, child, SIGRTMIN, &i) ? errno : 0,
           syscall(SYS_rt_tgsigqueueinfo, -1, me, SIGRTMIN, &i) ? errno : 0);
    while (sigtimedwait(&rt, &got, &now) > 0) printf("got code %d\n", got.si_code);
    // The limit: signals that say more than a number are refused beyond it, others come without their details.
    kill(child, SIGKILL);
    waitpid(child, 0, 0);
    sigaddset(&rt, SIGCHLD);
    while (sigtimedwait(&rt, &got, &now) > 0) ;
    struct rlimit few = {5, 5};
    setrlimit(RLIMIT_SIGPENDING, &few);
    int sent = 0, error = 0;
    while (sent < 50 && !(error = raw(me, SIGRTMIN, SI_QUEUE, sent))) sent++;
    // Linux counts what waits for the user's other processes, too.
    printf("some wait: %d, then %d; kill %d, tgkill %d, standard %d\n", sent > 0 && sent <= 5, error, kill(me, SIGRTMIN) ? errno : 0,
           syscall(SYS_tgkill, me, me, SIGRTMIN) ? errno : 0, raw(me, SIGUSR1, SI_QUEUE, 0));
    int came = 0;
    while (sigtimedwait(&rt, &got, &now) > 0) came++;
    printf("all came: %d\n", came == sent);
    return 0;
}
