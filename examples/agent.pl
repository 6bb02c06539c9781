#!/usr/bin/perl
# An agent that is a process, in Perl, with nothing but what comes with it.
# Run it: proactivebench run --model process --model_args command="perl examples/agent.pl" --tasks proactivebench_sample
use strict;
use warnings;
use JSON::PP;

$| = 1;    # every answer is sent at once
while (my $line = <STDIN>) {
    my $message = decode_json($line);
    next if $message->{type} ne 'moment';
    my $event  = $message->{observations}[-1]{event};
    my @offers = $event =~ /error|fail/i ? ('Find the cause of this error.') : ();
    print encode_json({ id => $message->{id}, offers => \@offers, p_accept => 0.6 }), "\n";
}
