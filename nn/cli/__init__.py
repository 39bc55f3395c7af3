"""The console command `autograd-lite` (`command.main`), one file for each subcommand."""
