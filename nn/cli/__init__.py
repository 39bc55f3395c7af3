"""The console command `autograd-lite`, one file for each subcommand."""
