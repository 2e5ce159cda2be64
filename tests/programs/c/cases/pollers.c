// Several processes wait at once for the same pipes, and one for the terminal, under signals at random moments, and while they move when
// tori are named. Each byte is read once, nobody sleeps on what is there, EINTR comes with a handler, masks are as before.
// usage: pollers ROUNDS SEED [TORI]
#include "../disturbed.h"
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>

enum { PIPES = 3, POLLERS = 4 };
static struct { volatile long got, over; } *s;
static int pipes[PIPES][2];

// Waits for one of the pipes, in the way of number `way`.
static int wait_for(int way) {
    struct pollfd p[PIPES];
    fd_set set;
    FD_ZERO(&set);
    int most = 0;
    for (int i = 0; i < PIPES; i++) {
        p[i] = (struct pollfd){pipes[i][0], POLLIN, 0};
        FD_SET(pipes[i][0], &set);
        if (pipes[i][0] > most) most = pipes[i][0];
    }
    sigset_t other;
    sigemptyset(&other);
    sigaddset(&other, SIGUSR2);
    switch (way % 4) {
    case 0: return poll(p, PIPES, -1);
    case 1: return ppoll(p, PIPES, 0, &other);
    case 2: return select(most + 1, &set, 0, 0, 0);
    default: return pselect(most + 1, &set, 0, 0, 0, &other);
    }
}
static void poller(int number) {
    sigset_t usual, now;
    sigprocmask(SIG_SETMASK, 0, &usual);
    for (int way = number;; way++) {
        long before = handled;
        int n = wait_for(way);
        if (n == 0 || (n < 0 && errno != EINTR)) wrong("wait", n);
        if (n < 0 && handled == before) wrong("EINTR without a handler", n);
        sigprocmask(SIG_SETMASK, 0, &now);
        if (memcmp(&now, &usual, 8)) wrong("mask", 0);
        for (int i = 0; n > 0 && i < PIPES; i++) {
            char c;
            if (read(pipes[i][0], &c, 1) != 1) continue;
            if (c == 'q') _exit(0);
            __sync_fetch_and_add(&s->got, 1);
        }
    }
}
static void crowd(int rounds, int tori) {
    pid_t who[POLLERS];
    long put = 0;
    for (int i = 0; i < PIPES; i++) pipe2(pipes[i], O_NONBLOCK);
    for (int i = 0; i < POLLERS; i++) if (!(who[i] = fork())) poller(i);
    for (int k = 0; k < rounds; k++) {
        for (int n = draw(6); n > 0; n--) { usleep(draw(300)); disturb(who[draw(POLLERS)], tori); }
        for (int n = 1 + draw(5); n > 0; n--, put++) write(pipes[draw(PIPES)][1], "x", 1);
        if (draw(2)) disturb(who[draw(POLLERS)], tori);
        for (int w = 0; s->got < put; w++) {
            if (w > 100000) { printf("STUCK: %ld of %ld\n", s->got, put); exit(1); }
            usleep(50);
        }
    }
    for (int i = 0; i < POLLERS; i++) { write(pipes[0][1], "q", 1); waitpid(-1, 0, 0); }
    printf("pollers: all %s, wrong %ld %s\n", s->got == put ? "read" : "NOT READ", faults->count, what_went_wrong());
    fflush(stdout);
}

// A terminal without input: reads end when their time is over, and are made again or fail when a signal comes.
static void terminal_calls(int rounds, int restart) {
    handle(restart ? SA_RESTART : 0);
    for (int k = 0; k < rounds; k++) {
        char c;
        long before = handled, n = read(0, &c, 1);
        if (n > 0 || (n < 0 && (errno != EINTR || restart || handled == before))) wrong("read", n);
        struct pollfd p = {0, POLLIN, 0};
        before = handled;
        n = poll(&p, 1, 20);
        if (n > 0 || (n < 0 && (errno != EINTR || handled == before))) wrong("poll", n);
        const char *text = "terminal\n";
        for (size_t at = 0; at < strlen(text);) {
            n = write(0, text + at, strlen(text) - at);
            if (n > 0) at += n;
            else if (errno != EINTR || restart) wrong("write", n);
        }
    }
    s->over = 1;
    _exit(0);
}
static void terminal(int rounds, int tori) {
    struct termios usual, raw;
    tcgetattr(0, &usual);
    raw = usual;
    raw.c_lflag &= ~(ICANON | ECHO);
    raw.c_cc[VMIN] = 0;
    raw.c_cc[VTIME] = 1;
    tcsetattr(0, TCSANOW, &raw);
    for (int restart = 0; restart < 2; restart++) {
        faults->count = s->over = 0;
        pid_t who = fork();
        if (!who) terminal_calls(rounds, restart);
        while (!s->over) {
            // A read that is made again waits for its whole time.
            usleep(draw(restart ? 300000 : 30000));
            if (!s->over) disturb(who, tori);
        }
        int status;
        waitpid(who, &status, 0);
        printf("terminal %d: status %d, wrong %ld %s\n", restart, status, faults->count, what_went_wrong());
        fflush(stdout);
    }
    tcsetattr(0, TCSANOW, &usual);
}
int main(int c, char **v) {
    int rounds = atoi(v[1]), tori = c > 3 ? atoi(v[3]) : 0;
    state = atoi(v[2]);
    s = shared(sizeof *s);
    faults = shared(sizeof *faults);
    handle(0);
    crowd(rounds, tori);
    if (isatty(0)) terminal(6, tori);
    return 0;
}
