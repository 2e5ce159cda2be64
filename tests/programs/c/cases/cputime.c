// Processor time: told apart by where it was spent, kept by a move, and what fires when so much of it is used
#define _GNU_SOURCE
#include <stdio.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <fcntl.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <sys/syscall.h>
static volatile long k; static volatile int n; static void h(int s){n++;}
static long used(int c){struct timespec t; clock_gettime(c,&t); return t.tv_sec*1000+t.tv_nsec/1000000;}
static void work(long ms){ long e=used(CLOCK_PROCESS_CPUTIME_ID)+ms; while(used(CLOCK_PROCESS_CPUTIME_ID)<e) for(int i=0;i<100000;i++) k++; }
static long ms(struct timeval t){return t.tv_sec*1000+t.tv_usec/1000;}
static void told(const char*who,struct rusage*r){ printf("%s: mostly in the %s, %s\n",who,ms(r->ru_utime)>ms(r->ru_stime)?"program":"kernel",ms(r->ru_utime)+ms(r->ru_stime)>=190?"all of it":"not all of it"); }
int main(){ setvbuf(stdout,0,_IONBF,0);
  struct rusage a,b,c; int st; struct itimerval v={{0,20000},{0,20000}},off={{0,0},{0,0}},w;
  if(!fork()){ work(200); _exit(0); } wait4(-1,&st,0,&a); told("worker",&a);
  if(!fork()){ static char buf[1<<20]; int f=open("/dev/zero",O_RDONLY); long e=used(2)+200; while(used(2)<e) read(f,buf,sizeof buf); _exit(0); } wait4(-1,&st,0,&b); told("reader",&b);
  getrusage(RUSAGE_CHILDREN,&c); printf("children: %s\n",ms(c.ru_utime)>=ms(a.ru_utime)&&ms(c.ru_stime)>=ms(b.ru_stime)?"the sum":"less");
  long before=used(2); syscall(4097,0,1,0); printf("after a move: %s\n",used(2)>=before?"kept":"lost");
  struct tms t; times(&t); printf("times tells of children: %d\n",t.tms_cutime>=19&&t.tms_cstime>=19);
  signal(SIGVTALRM,h); setitimer(ITIMER_VIRTUAL,&v,0); work(200); getitimer(ITIMER_VIRTUAL,&w); setitimer(ITIMER_VIRTUAL,&off,0);
  printf("virtual: fired %d, interval %ld, left %d\n",n>=4&&n<=11,(long)w.it_interval.tv_usec,w.it_value.tv_usec>0&&w.it_value.tv_usec<=20000);
  n=0; signal(SIGPROF,h); setitimer(ITIMER_PROF,&v,0); syscall(4097,0,0,0); work(200); setitimer(ITIMER_PROF,&off,0); printf("prof: fired %d\n",n>=5&&n<=11);
  n=0; usleep(100000); printf("when nothing runs: fired %d\n",n);
  if(!fork()){ struct rlimit r={1,2}; setrlimit(RLIMIT_CPU,&r); signal(SIGXCPU,h); work(1300); getrlimit(RLIMIT_CPU,&r); printf("limit: SIGXCPU %d, then at %ld\n",n,(long)r.rlim_cur); fflush(stdout); for(;;) k++; }
  wait4(-1,&st,0,&a); printf("limit: ends with %x\n",st);
}
