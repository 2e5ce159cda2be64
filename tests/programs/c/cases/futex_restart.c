// FUTEX_WAIT with a time limit that a handler interrupts: EINTR even with SA_RESTART, and no second beginning of its time
#define _GNU_SOURCE
#include <stdio.h>
#include <errno.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>
#include <sys/time.h>
#include <sys/syscall.h>
static volatile int n; static void on(int s){ n++; }
int main(){
  int w=0; struct sigaction sa={.sa_handler=on,.sa_flags=SA_RESTART}; sigaction(SIGALRM,&sa,0);
  struct itimerval v={{0,200000},{0,200000}}; setitimer(ITIMER_REAL,&v,0);
  struct timespec t={5,0}; int r=syscall(SYS_futex,&w,0,0,&t,0,0);
  printf("%d %d, %d signals\n",r,errno,n);
}
