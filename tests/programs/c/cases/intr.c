// Calls that on Linux never answer EINTR, and reads and writes of files that never end short, under a fast interval timer whose
// handler has no SA_RESTART. usage: intr ROUNDS [TORUS], to which it moves first
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <errno.h>
#include <string.h>
#include <stdlib.h>
#include <fcntl.h>
#include <unistd.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
static volatile long n; static void h(int s){n++;}
static int bad[32]; static const char*nm[32];
#define T(i,name,e) do{ nm[i]=name; errno=0; if((long)(e)==-1 && errno==EINTR) bad[i]++; }while(0)
int main(int c,char**v){
  if(c>1&&!strcmp(v[1],"x")) return 0;
  struct sigaction sa={.sa_handler=h}; sigaction(SIGALRM,&sa,0);
  struct itimerval t={{0,300},{0,300}}; setitimer(ITIMER_REAL,&t,0);
  if(c>2) syscall(4097,0,atoi(v[2]),0);
  size_t sz=24<<20; char*buf=malloc(1<<20); memset(buf,7,1<<20);
  int f=open("/tmp/intr",O_RDWR|O_CREAT|O_TRUNC,0600);
  int shortw=0,shortr=0,hung=0;
  for(int i=0;i<(c>1?atoi(v[1]):60);i++){
    char*p=mmap(0,sz,3,MAP_PRIVATE|MAP_ANONYMOUS|MAP_POPULATE,-1,0); T(0,"mmap populate",(long)p);
    T(1,"mprotect",mprotect(p,sz,PROT_READ)); T(2,"mprotect rw",mprotect(p,sz,3));
    T(3,"mlock",mlock(p,4<<20)); T(4,"munlock",munlock(p,4<<20));
    T(5,"madvise dontneed",madvise(p,sz/2,MADV_DONTNEED)); T(6,"madvise populate_write",madvise(p,sz/2,23));
    char*q=mremap(p,sz,sz+(8<<20),MREMAP_MAYMOVE); T(7,"mremap",(long)q);
    T(8,"msync",msync(q,sz,MS_SYNC));
    T(9,"ftruncate",ftruncate(f,0)); ssize_t w=pwrite(f,buf,1<<20,0); T(10,"pwrite file",w); if(w!=1<<20)shortw++; ftruncate(f,1<<20);
    w=pread(f,buf,1<<20,0); T(11,"pread file",w); if(w!=1<<20)shortr++;
    char*m=mmap(0,1<<20,3,MAP_SHARED,f,0); if(m!=MAP_FAILED){ memset(m,i,1<<20); T(12,"msync file",msync(m,1<<20,MS_SYNC)); munmap(m,1<<20); }
    T(13,"fsync",fsync(f));
    int g=open("/tmp/intr2",O_RDWR|O_CREAT,0600); T(14,"open",g); T(15,"rename",rename("/tmp/intr2","/tmp/intr3")); T(16,"unlink",unlink("/tmp/intr3")); T(17,"close",close(g));
    pid_t k=fork(); if(k==0)_exit(0); T(18,"fork",k); int st; if(k>0) while(waitpid(k,&st,0)<0&&errno==EINTR);
    k=vfork(); if(k==0){ execl("/proc/self/exe","intr","x",(char*)0); _exit(errno==EINTR?77:78);} T(19,"vfork",k); if(k>0){ while(waitpid(k,&st,0)<0&&errno==EINTR); if(WIFEXITED(st)&&WEXITSTATUS(st)==77){bad[20]++;nm[20]="execve after vfork";} else if(st){hung++;} }
    k=fork(); if(k==0){ setitimer(ITIMER_REAL,&t,0); execl("/proc/self/exe","intr","x",(char*)0); _exit(errno==EINTR?77:78);} if(k>0){ while(waitpid(k,&st,0)<0&&errno==EINTR); if(WIFEXITED(st)&&WEXITSTATUS(st)==77){bad[21]++;nm[21]="execve with timer";} else if(WIFEXITED(st)&&st){hung++;} }
    T(22,"stat",({struct stat s; stat("/tmp/intr",&s);})); T(23,"sched_yield",sched_yield());
    T(24,"munmap",munmap(q,sz+(8<<20)));
  }
  for(int i=0;i<32;i++) if(bad[i]) printf("EINTR %s: %d\n",nm[i],bad[i]);
  printf("signals %s, short pwrite %d, short pread %d, odd exec %d\n",n>0?"came":"did not come",shortw,shortr,hung); return 0; }
