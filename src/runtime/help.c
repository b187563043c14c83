#include "runtime/command.h"

/* "", or what is accepted besides any text: " (8 to 128)", " (error|warn|info|debug)". */
static const char *accepted(const struct setting *setting, char ret[128])
{
	ret[0] = '\0';
	if (setting->type == SETTING_NUMBER)
		snprintf(ret, 128, " (%ld to %ld)", setting->minimum, setting->maximum);
	else if (setting->type == SETTING_BOOLEAN)
		snprintf(ret, 128, " (true or false)");
	else if (setting->type == SETTING_CHOICE) {
		size_t used = (size_t)snprintf(ret, 128, " (");

		/* A bar would end a cell of the README's table. */
		for (const char *c = setting->choices; *c != '\0' && used < 100; c++)
			used += (size_t)snprintf(ret + used, 128 - used, "%.*s", *c == '|' ? 2 : 1,
						 *c == '|' ? ", " : c);
		snprintf(ret + used, 128 - used, ")");
	}
	return ret;
}

void cli_help(FILE *out)
{
	fprintf(out,
		"tandem " TANDEM_VERSION
		": rotate database passwords without an outage, behind RDS Proxy too\n\nUsage:\n");
	for (size_t i = 0; i < command_count; i++)
		fprintf(out, "  tandem %-7s %-18s %s\n", commands[i].name, commands[i].usage,
			commands[i].meaning);
	fprintf(out, "  tandem                            as a Lambda function, where "
		     "AWS_LAMBDA_RUNTIME_API is set\n"
		     "\nOptions:\n"
		     "  --json      print the result as JSON\n"
		     "  --no-wait   rotate by the secret's function without waiting until it has "
		     "finished\n"
		     "  --help      print this\n"
		     "  --version   print the version\n"
		     "\nExit status: 0 done, 1 failed, 2 wrong usage or configuration.\n"
		     "\nSettings are environment variables:\n");
	for (size_t i = 0; i < config_setting_count; i++) {
		const struct setting *setting = &config_settings[i];
		char words[128];

		if (setting->name == NULL) {
			fprintf(out, "\n%s\n", setting->group);
			continue;
		}
		fprintf(out, "  %s\n      %s%s%s%s\n", setting->name, setting->meaning,
			accepted(setting, words), setting->fallback != NULL ? "; default " : "",
			setting->fallback != NULL ? setting->fallback : "");
	}
}

void cli_help_markdown(FILE *out)
{
	fprintf(out, "| variable | default | meaning |\n|---|---|---|\n");
	for (size_t i = 0; i < config_setting_count; i++) {
		const struct setting *setting = &config_settings[i];
		char words[128];

		if (setting->name == NULL)
			fprintf(out, "| **%s** | | |\n", setting->group);
		else if (setting->fallback == NULL)
			fprintf(out, "| `%s` | | %s%s |\n", setting->name, setting->meaning,
				accepted(setting, words));
		else
			fprintf(out, "| `%s` | `%s` | %s%s |\n", setting->name, setting->fallback,
				setting->meaning, accepted(setting, words));
	}
}
