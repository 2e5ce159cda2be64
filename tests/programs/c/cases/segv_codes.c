// The code, address, trap number, error code and CR2 that a handler is told of each kind of exception. (QEMU's translator raises no
// exceptions of SSE, so they are not tried.)
#define _GNU_SOURCE
#include <stdio.h>
#include <signal.h>
#include <setjmp.h>
#include <fcntl.h>
#include <unistd.h>
#include <ucontext.h>
#include <sys/mman.h>
static sigjmp_buf j; static char*volatile base; static void on(int s,siginfo_t*i,void*c){ greg_t*g=((ucontext_t*)c)->uc_mcontext.gregs; long d=(char*)i->si_addr-base; printf("sig %d code %d addr %s%lx trap %lld err %llx cr2 %lx\n",s,i->si_code,d>=0&&d<0x100000?"+":"=",d>=0&&d<0x100000?d:(long)i->si_addr<0x10000||(long)i->si_addr<0?(long)i->si_addr:1L,g[REG_TRAPNO],g[REG_ERR],(g[REG_TRAPNO]==14)?(long)(g[REG_CR2]-(long)i->si_addr):0L); siglongjmp(j,1); }
#define T(w,x) do{ printf("%-12s ",w); if(!sigsetjmp(j,1)){ x; puts("no fault"); } }while(0)
int main(){ setvbuf(stdout,0,_IOLBF,0); static char alt[65536]; stack_t st={.ss_sp=alt,.ss_size=sizeof alt}; sigaltstack(&st,0); struct sigaction sa={.sa_sigaction=on,.sa_flags=SA_SIGINFO|SA_ONSTACK}; int ss[]={SIGSEGV,SIGBUS,SIGFPE,SIGILL,SIGTRAP}; for(int i=0;i<5;i++)sigaction(ss[i],&sa,0);
  char*p=mmap(0,16*4096,3,MAP_PRIVATE|MAP_ANONYMOUS,-1,0); base=p; *p=1; mprotect(p,4096,0); volatile char v; T("none read",v=p[5]); T("none write",p[6]=1); mprotect(p,4096,1); T("ro write",p[7]=1); T("nx",((void(*)(void))(p+8))()); munmap(p+4096,4096); T("hole read",v=p[4100]); T("hole write",p[4101]=1); T("null",v=*(volatile char*)0); T("null+8",v=*(volatile char*)8); T("kernel",v=*(volatile char*)0xffff800000000010); T("noncanon",v=*(volatile char*)0x1234567800000000); T("call null",((void(*)(void))0)());
  mprotect(p+8192,4096,0); T("untouched",v=p[8192]); int f=open("/tmp/sc",O_CREAT|O_RDWR|O_TRUNC,0600); ftruncate(f,100); char*m=mmap(p+0x4000,8192,3,MAP_SHARED|MAP_FIXED,f,0); T("file tail",m[200]=1); T("past file",v=m[4096]); ftruncate(f,0); T("truncated",v=m[0]); m=mmap(p+0x6000,4096,1,MAP_PRIVATE|MAP_FIXED,f,0); T("ro past",p[0x6000]=1);
  volatile int z=0; T("div",v=1/z); T("ud2",asm volatile("ud2")); T("int3",asm volatile("int3")); T("hlt",asm volatile("hlt")); T("int 3 long",asm volatile("int $3")); volatile int mn=0x80000000; volatile int mo=-1; T("div over",v=mn/mo); T("x87 div",({unsigned short c=0x37b; asm volatile("fninit; fldcw %0; fld1; fldz; fdivrp; fwait"::"m"(c));})); asm volatile("fninit");
  T("stack far",v=*((volatile char*)__builtin_frame_address(0)-(64<<20))); T("exec data",((void(*)(void))&j)()); T("rsp none",({asm volatile("mov %%rsp,%%rbx; mov %0,%%rsp; push $1; mov %%rbx,%%rsp"::"r"(p+8):"rbx","memory");})); unlink("/tmp/sc"); }
