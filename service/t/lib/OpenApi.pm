# Holds what the service answers against service/http/openapi.json: which answers are described, whether each that was given is
# one of them and has its shape, and which were never given.
package OpenApi;

use strict;
use warnings;

use FindBin;
use IPC::Run;
use JSON::PP;
use PostgreSQL::Test::Utils;

my $file = "$FindBin::RealBin/../http/openapi.json";

sub new
{
	my ($class) = @_;
	return bless { document => decode_json(slurp_file($file)), answers => [] }, $class;
}

# [method, path] of each operation.
sub operations
{
	my ($self) = @_;
	my $paths = $self->{document}{paths};
	return map { my $path = $_; map { [ uc $_, $path ] } sort keys %{ $paths->{$path} } } sort keys %$paths;
}

sub record
{
	my ($self, $method, $path, $answer) = @_;
	push @{ $self->{answers} }, {
		method => lc $method, path => $path, status => "$answer->{status}",
		type => ($answer->{headers}{'content-type'} // '') =~ s/;.*//r, body => $answer->{content} // '' };
	return $answer;
}

# [problems], [what is described and was never answered]
sub verdict
{
	my ($self) = @_;
	my $given = JSON::PP->new->latin1->encode($self->{answers});
	my ($out, $err) = ('', '');
	IPC::Run::run([ '/usr/bin/python3', "$FindBin::RealBin/lib/openapi.py", $file ], '<', \$given, '>', \$out, '2>', \$err)
		or die "openapi.py: $err";
	return @{ decode_json($out) }{qw(problems missing)};
}

1;
